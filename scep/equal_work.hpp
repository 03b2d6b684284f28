// Work that makes failures take alike.
#pragma once

#include "certs/bytes.hpp"

namespace scepgate::scep {

/// Decodes a key and checks a signature over `content` by it, as for a request of that length that
/// parses but does not verify: RSA-2048 with exponent 65537, whatever the sender's key is
/// (attacks.md E06: the sender must not choose how long this takes).
void check_a_signature_for_nothing(ByteView content);

}  // namespace scepgate::scep
