// An issuer's signature on a certificate or CRL (RFC 5280 section 4.1.1.3).
#pragma once

#include "certs/public_key.hpp"

namespace scepgate::certs {

/// Whether `signature` over `to_be_signed` is by this key. `algorithm`: the AlgorithmIdentifier,
/// whole. Takes what signs elsewhere here (parse_signature_algorithm), and RSASSA-PSS (RFC 4055
/// section 3.1) with SHA-256, 384 or 512, MGF1 with the same hash and a salt as long as it: CAs
/// above ours may sign so, requests and messages may not.
///
/// kUnsupported: another algorithm, or other parameters, which are named. kBadSignature: it is not.
[[nodiscard]] Result<void> check_issuer_signature(ByteView algorithm, const PublicKey& key,
                                                  ByteView to_be_signed, ByteView signature);

/// The same for a certificate or CRL in DER.
[[nodiscard]] Result<void> check_issuer_signature(ByteView signed_structure, const PublicKey& key);

}  // namespace scepgate::certs
