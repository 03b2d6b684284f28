// Name and key rules in the configuration: endpoints[].rules, and those of trusted signers.
#pragma once

#include "policy/issuance_rules.hpp"
#include "server/config_reader.hpp"

namespace scepgate::server {

/// Faults for everything that does not fit, patterns that do not compile among it.
[[nodiscard]] policy::IssuanceRules read_rules(const ConfigReader::Json& json,
                                               const std::string& path, ConfigFaults& faults);

}  // namespace scepgate::server
