// What OpenSSL must agree with when a CSR of ours was accepted.
#pragma once

#include "certs/csr.hpp"

namespace scepgate::fuzz {

/// OpenSSL parses it whole, sees the same subject, the same key and the same attributes, and its
/// signature verifies there too.
void require_openssl_agrees(const certs::Csr& csr);

/// The same of its signature alone, for octets that were refused after it had verified; true where
/// OpenSSL cannot parse them.
bool openssl_finds_signature_good(ByteView csr);

}  // namespace scepgate::fuzz
