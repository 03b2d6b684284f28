// Messages are changed inside and then, mostly, signed anew: what a signer can send, not only what
// someone on the path can.
#include "fuzz/der_mutator.hpp"
#include "fuzz/resign.hpp"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t maximum, unsigned seed) {
    return scepgate::fuzz::mutate_der(data, size, maximum, seed, scepgate::fuzz::resign_as_device);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data1, std::size_t size1,
                                                 const std::uint8_t* data2, std::size_t size2,
                                                 std::uint8_t* out, std::size_t maximum,
                                                 unsigned seed) {
    return scepgate::fuzz::cross_over_der({data1, size1}, {data2, size2}, out, maximum, seed);
}
