// Reading the policy "intune".
#pragma once

#include "server/config_intune.hpp"
#include "server/config_parts.hpp"

namespace scepgate::server {

[[nodiscard]] IntuneConfig read_intune(ConfigReader& reader, ConfigParts& parts,
                                       ConfigFaults& faults);

}  // namespace scepgate::server
