// What an administrator types when one of the server's own certificates ends.
#pragma once

#include "server/config.hpp"
#include "server/credentials.hpp"

namespace scepgate::server {

/// By the command 'ca rollover' for a root of its own; at `now`. For another CA: a CSR for the CA
/// above.
[[nodiscard]] RenewalAdvice renewal_of_ca(const Config& config, const std::string& name,
                                          std::int64_t now);

/// The same key anew: signed by itself, as it was; by `ca` if that is the issuer and its key at
/// hand; else a CSR for whoever issued it.
[[nodiscard]] RenewalAdvice renewal_of_pair(const KeyPairConfig& pair,
                                            const KeyPairConfig* ca = nullptr);

}  // namespace scepgate::server
