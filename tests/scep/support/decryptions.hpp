// How often a private key decrypted. The linker takes our EVP_PKEY_decrypt(), which counts and
// calls the library's.
#pragma once

#include <cstddef>

namespace scepgate::scep::testing {

/// Since the process began, in all threads.
[[nodiscard]] std::size_t decryptions() noexcept;

}  // namespace scepgate::scep::testing
