// Reading 'policies': each type of module from its JSON object.
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

[[nodiscard]] PolicyConfig read_policy(const ConfigParts::Json& json, const std::string& path,
                                       ConfigParts& parts, ConfigFaults& faults);

}  // namespace scepgate::server
