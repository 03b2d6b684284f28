// HMAC (RFC 2104).
#pragma once

#include "certs/bytes.hpp"

namespace scepgate {

/// `key` is not empty. Throws std::runtime_error when OpenSSL has no memory.
[[nodiscard]] Sha256 hmac_sha256(ByteView key, ByteView message);

}  // namespace scepgate
