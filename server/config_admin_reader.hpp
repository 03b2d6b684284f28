// "admin" of the configuration: reading it, and how it fits the rest.
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

[[nodiscard]] AdminConfig read_admin(const ConfigParts::Json& json, const std::string& path,
                                     ConfigParts& parts, ConfigFaults& faults);

/// Callers' policies and endpoints, and the pages' paths.
void check_admin_references(const Config& config, ConfigFaults& faults);

/// "60/m": a number and s, m, h or d. kConfig.
[[nodiscard]] Result<RequestRate> parse_rate(std::string_view text);

}  // namespace scepgate::server
