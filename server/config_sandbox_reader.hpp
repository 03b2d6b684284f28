// Reads "run_as" and "sandbox", which server and signer have alike.
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

void read_run_as(ConfigReader& top, Config& config, ConfigFaults& faults);
void read_sandbox(ConfigReader& top, const ConfigParts& parts, Config& config,
                  ConfigFaults& faults);

}  // namespace scepgate::server
