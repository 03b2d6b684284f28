// The entry that libFuzzer (and AFL++, honggfuzz, Centipede through the same interface) calls.
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    scepgate::fuzz::run({data, size});
    return 0;
}
