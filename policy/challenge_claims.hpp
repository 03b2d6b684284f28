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
    std::vector<std::string> types;   ///< of "rsa", "ec:p256", "ec:p384", "ec:p521"; empty: any
    std::optional<int> minimum_bits;  ///< RSA modulus; says nothing of EC keys
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex: no other key.
    std::optional<std::string> spki_sha256;
};

struct ChallengeClaims {
    int version = 1;
    std::string id;        ///< `jti`: 128 random bits in lower-case hex
    std::string issuer;    ///< `iss`: SHA-256 of the signer's certificate, lower-case hex
    std::string audience;  ///< `aud`
    /// `endpoint`: names of those where it is good; empty: of all that take it.
    std::vector<std::string> endpoints;
    std::int64_t issued_at = 0;   ///< `iat`, seconds since the epoch
    std::int64_t not_before = 0;  ///< `nbf`
    std::int64_t expires = 0;     ///< `exp`
    certs::Name subject;          ///< may be empty when there is a subject_alt_name
    certs::GeneralNames subject_alt_name;
    /// Absent: with a template or purpose claim the CSR's own is not looked at further; without,
    /// the CSR must carry none, because its key usage alone would then choose the template.
    std::optional<certs::KeyUsage> key_usage;
    std::optional<certs::ExtendedKeyUsage> extended_key_usage;  ///< absent: the template's
    KeyClaim key;
    std::optional<std::string> template_name;
    std::optional<certs::Purpose> purpose;
    std::optional<std::int64_t> max_validity;  ///< seconds
    std::string device_id;
    std::string user_id;
    std::optional<std::string> sid;
};

/// Reads the claims' JSON (UTF-8). kMalformed: what parse_strict_json refuses; a wrong type or
/// value; a missing required claim (v, jti, iss, aud, iat, nbf, exp, subject); a subject whose text
/// and DER differ or that is over RFC 5280's upper bounds; no name at all; an unknown member inside
/// a known claim; a name in `crit` that is not known. Other unknown claims are ignored.
Result<ChallengeClaims> parse_claims(std::string_view json);

/// The claims' JSON, in a fixed order. `crit` names what an older reader would pass over: the
/// endpoints. Free text that is not UTF-8 comes out with U+FFFD.
[[nodiscard]] std::string encode_claims(const ChallengeClaims& claims);

// The same for what a challenge is bound to that says nothing itself (a one-time password): only
// these claims, and all of them optional. Without subject and san no name is bound.

Result<ChallengeClaims> parse_bindings(std::string_view json);
[[nodiscard]] std::string encode_bindings(const ChallengeClaims& claims);

}  // namespace scepgate::policy
