// What OpenSSL must agree with when a CSR of ours was accepted.
#pragma once

#include "certs/csr.hpp"

namespace scepgate::fuzz {

/// OpenSSL parses it whole, sees the same subject, the same key and the same attributes, and its
/// signature verifies there too.
void require_openssl_agrees(const certs::Csr& csr);

}  // namespace scepgate::fuzz
