// A challenge's claims against a CSR as OpenSSL reads it: the plain way, to compare with ours.
#pragma once

#include <optional>

#include "certs/csr.hpp"
#include "policy/challenge_claims.hpp"

namespace scepgate::fuzz {

/// What the same rules say of each part.
struct Matches {
    /// Empty where OpenSSL compares otherwise: NumericString is none of its canonical forms.
    std::optional<bool> subject;
    bool alternative_names = false;
    bool key_usage = false;
    bool extended_key_usage = false;
};

/// Empty when OpenSSL does not see the extensions (it knows one spelling less).
[[nodiscard]] std::optional<Matches> openssl_matches(const policy::ChallengeClaims& claims,
                                                     const certs::Csr& csr);

}  // namespace scepgate::fuzz
