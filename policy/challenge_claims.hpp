// The claims inside a challenge blob (docs/challenge-blob.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certs/general_name.hpp"
#include "certs/key_usage.hpp"
#include "certs/name.hpp"

namespace scepgate::policy {

/// What the key in the CSR must be.
struct KeyClaim {
    std::vector<std::string> types;       ///< of "rsa", "ec:p256", "ec:p384"; empty: any
    std::optional<int> minimum_bits;      ///< RSA modulus
};

struct ChallengeClaims {
    int version = 1;
    std::string id;              ///< `jti`: 128 random bits in hex
    std::string issuer;          ///< `iss`: SHA-256 of the signer's certificate, hex
    std::string audience;        ///< `aud`
    std::int64_t issued_at = 0;  ///< `iat`, seconds since the epoch
    std::int64_t not_before = 0; ///< `nbf`
    std::int64_t expires = 0;    ///< `exp`
    certs::Name subject;
    certs::GeneralNames subject_alt_name;
    std::optional<certs::KeyUsage> key_usage;  ///< absent: the CSR must not carry one
    std::optional<certs::ExtendedKeyUsage> extended_key_usage;
    KeyClaim key;
    std::optional<std::string> template_name;
    std::optional<certs::Purpose> purpose;
    std::optional<std::int64_t> max_validity;  ///< seconds
    std::string device_id;
    std::string user_id;
    std::optional<std::string> sid;
};

/// Reads the claims' JSON (UTF-8). Strict: duplicate names at any depth, a byte order mark, depth
/// over 8, a wrong type, a missing required claim (v, jti, iss, aud, iat, nbf, exp, subject), a
/// subject whose text and DER differ, and a name in `crit` that is not known are kMalformed. Other
/// unknown claims are ignored.
Result<ChallengeClaims> parse_claims(std::string_view json);

/// The claims' JSON, in a fixed order.
[[nodiscard]] std::string encode_claims(const ChallengeClaims& claims);

}  // namespace scepgate::policy
