// Reading the block "http", and the URLs that it is for.
#pragma once

#include "server/config_outbound.hpp"
#include "server/config_parts.hpp"

namespace scepgate::server {

/// The member "http" of `owner`; without it, what is usual.
[[nodiscard]] OutboundConfig read_outbound(ConfigReader& owner, ConfigParts& parts,
                                           ConfigFaults& faults);

/// A fault when the URL may not be called; an empty one was reported as missing.
void judge_outbound_url(const std::string& url, const std::string& json_path,
                        const OutboundConfig& outbound, ConfigFaults& faults);

}  // namespace scepgate::server
