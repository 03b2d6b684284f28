#include "fuzz/fuzz.hpp"

#include <cstdio>
#include <cstdlib>

void scepgate::fuzz::fail(const char* condition, const char* file, int line) noexcept {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    std::abort();
}
