// The mutator that libFuzzer calls for targets that read ASN.1.
#include "fuzz/der_mutator.hpp"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t maximum, unsigned seed) {
    return scepgate::fuzz::mutate_der(data, size, maximum, seed);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data1, std::size_t size1,
                                                 const std::uint8_t* data2, std::size_t size2,
                                                 std::uint8_t* out, std::size_t maximum,
                                                 unsigned seed) {
    return scepgate::fuzz::cross_over_der({data1, size1}, {data2, size2}, out, maximum, seed);
}
