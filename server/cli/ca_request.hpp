// Requests for CA certificates.
#pragma once

#include "certs/name.hpp"
#include "certs/private_key.hpp"

namespace scepgate::server::cli {

/// A DER PKCS#10 request for a CA's certificate: cA with the path length, keyCertSign, cRLSign and
/// digitalSignature, the key's identifier. The CA above decides what of it stands in the end.
[[nodiscard]] Result<Bytes> make_ca_request(const certs::Name& subject,
                                            const certs::PrivateKey& key, int path_length);

}  // namespace scepgate::server::cli
