// The elements of policies.NAME.trusted_signers.
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

/// A file alone, or an object with the file and what its signer may grant.
[[nodiscard]] TrustedSignerConfig read_trusted_signer(const ConfigParts::Json& json,
                                                      const std::string& path, ConfigParts& parts,
                                                      ConfigFaults& faults);

}  // namespace scepgate::server
