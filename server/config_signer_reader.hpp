// The configuration of a signer, from JSON.
#pragma once

#include "server/config_parts.hpp"
#include "server/config_signer.hpp"

namespace scepgate::server {

[[nodiscard]] SignerConfig read_signer(const ConfigReader::Json& json, const std::string& path,
                                       ConfigParts& parts, ConfigFaults& faults);

/// The members of cas.NAME that say where its signer is.
[[nodiscard]] RemoteSignerConfig read_remote_signer(ConfigReader& ca, ConfigParts& parts);

}  // namespace scepgate::server
