// Name and key rules in the configuration: endpoints[].rules, and those of trusted signers.
#pragma once

#include "policy/issuance_rules.hpp"
#include "server/config_parts.hpp"

namespace scepgate::server {

/// Faults for everything that does not fit, patterns that do not compile and lists of keys that
/// cannot be read among it.
[[nodiscard]] policy::IssuanceRules read_rules(const ConfigReader::Json& json,
                                               const std::string& path, const ConfigParts& parts,
                                               ConfigFaults& faults);

}  // namespace scepgate::server
