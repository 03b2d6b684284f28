// Reads "store".
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

/// Sets one of Config::store_sqlite and Config::store_postgresql, or tells of a fault.
void read_store(ConfigReader& top, ConfigParts& parts, ConfigFaults& faults, Config& config);

}  // namespace scepgate::server
