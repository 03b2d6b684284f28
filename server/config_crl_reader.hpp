// Reads how a CA publishes its certificate and CRLs.
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

/// A path on the SCEP listener, "" for none.
void read_published_path(ConfigReader& reader, const std::string& key, std::string& path,
                         ConfigFaults& faults);

/// "crl" of a CA, whose URLs were read.
void read_crl(ConfigReader& owner, const ConfigParts& parts, CaConfig& ca, ConfigFaults& faults);

}  // namespace scepgate::server
