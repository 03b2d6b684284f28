// Work that makes failures take alike.
#pragma once

namespace scepgate::scep {

/// Decodes a key and checks a signature by it, as for a request that parses but does not verify:
/// RSA-2048 with exponent 65537, whatever the sender's key is (attacks.md E06: the sender must not
/// choose how long this takes).
void check_a_signature_for_nothing();

}  // namespace scepgate::scep
