// Reads how a CA publishes its certificate and CRLs.
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

/// A path on the SCEP listener, "" for none.
void read_published_path(ConfigReader& reader, const std::string& key, std::string& path,
                         ConfigFaults& faults);

/// "crl" of a CA, whose URLs were read.
void read_crl(ConfigReader& owner, const ConfigParts& parts, CaConfig& ca, ConfigFaults& faults);

/// Whether the URLs that a CA's certificates have go with the CRLs that are made of it.
void judge_crl_urls(const CaConfig& ca, bool has_crl_urls, bool has_freshest_crl_urls,
                    ConfigFaults& faults);

}  // namespace scepgate::server
