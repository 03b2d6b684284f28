// What every fuzz target is made of: one function, and a check that ends the run.
#pragma once

#include "certs/bytes.hpp"

namespace scepgate::fuzz {

/// Each target defines this. It takes any input, and FUZZ_REQUIREs what its header comment states.
void run(ByteView input);

[[noreturn]] void fail(const char* condition, const char* file, int line) noexcept;

}  // namespace scepgate::fuzz

/// Checked in every build type, unlike assert().
#define FUZZ_REQUIRE(condition) \
    ((condition) ? void() : ::scepgate::fuzz::fail(#condition, __FILE__, __LINE__))
