// What a CA's certificate and the chain above it must be before they serve.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certs/certificate.hpp"
#include "certs/public_key.hpp"

namespace scepgate::server {

/// The chain of a CA: its own certificate first, the root last.
struct CaChain {
    std::vector<certs::Certificate> certificates;
    std::vector<std::string> notes;  ///< what was left out, what is odd but no fault
    /// The CA whose policyConstraints ask for certificate policies in all below; empty: none.
    std::string requires_policies;
};

/// Puts `given`, in whatever order, into a chain from `key`'s certificate to a self-signed root,
/// and judges it (RFC 5280 section 6.1): every signature, with SHA-1 only of the root, cA and
/// keyCertSign of each, cRLSign of the CA's own, no critical extension that RFC 5280 does not have,
/// path lengths, and that all are valid at `now` (seconds since the epoch). kDenied says what is
/// wrong, or which certificate is missing. Of several for one key the one that ends last is taken.
[[nodiscard]] Result<CaChain> order_ca_chain(const certs::PublicKey& key,
                                             const std::vector<certs::Certificate>& given,
                                             std::int64_t now);

/// pathLenConstraint: how many CAs may be below it; nothing where there is no limit.
[[nodiscard]] Result<std::optional<std::int64_t>> path_length(
    const certs::Certificate& certificate);

/// When half of its validity is over: from then on a CA is renewed, so that what it issues is not
/// cut short.
[[nodiscard]] std::int64_t half_life(const certs::Certificate& certificate) noexcept;

}  // namespace scepgate::server
