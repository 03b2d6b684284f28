// Requests for CA certificates.
#pragma once

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

/// A DER PKCS#10 request for a CA's certificate: cA with the path length (none: any), keyCertSign,
/// cRLSign and digitalSignature, the key's identifier: that of `present`, where that is for the
/// same key. The CA above decides what of it stands in the end.
[[nodiscard]] Result<Bytes> make_ca_request(const certs::Name& subject,
                                            const certs::PrivateKey& key,
                                            std::optional<int> path_length,
                                            const certs::Certificate& present = {});

/// The name that was asked for when the CA was made, from the request beside its certificate.
[[nodiscard]] Result<certs::Name> requested_name(const CaConfig& ca);

}  // namespace scepgate::server::cli
