// The names of certificates that a CA makes for its own use: of its RA, its OCSP responder.
#pragma once

#include <string_view>
#include <vector>

#include "certs/certificate.hpp"
#include "certs/name.hpp"

namespace scepgate::ca_backend {

inline constexpr std::string_view kOcspResponderName = "OCSP responder";

/// The CA's own name with another commonName: what confines the CA to a part of the directory (RFC
/// 5280 section 4.2.1.10) allows of this what it allows of the CA. `chain`: issuing CA first.
/// kDenied: the name constraints of the chain do not permit it all the same, or it is too long.
[[nodiscard]] Result<certs::Name> name_beside_ca(const std::vector<certs::Certificate>& chain,
                                                 std::string_view common_name,
                                                 const certs::PublicKey& key);

/// Whether the chain permits the names of a certificate that it is to stand above; kDenied.
[[nodiscard]] Result<void> permits_names_of(const std::vector<certs::Certificate>& chain,
                                            const certs::Certificate& certificate);

}  // namespace scepgate::ca_backend
