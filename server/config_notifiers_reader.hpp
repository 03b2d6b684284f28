// Reading the section "notifiers", and what it shares with the policy "webhook".
#pragma once

#include "server/config_notifiers.hpp"
#include "server/config_parts.hpp"

namespace scepgate::server {

[[nodiscard]] NotifierConfig read_notifier(const ConfigReader::Json& json, const std::string& path,
                                           ConfigParts& parts, ConfigFaults& faults);

/// The member "key": a secret, or a list of two while they change.
[[nodiscard]] std::vector<SecretSource> read_webhook_keys(ConfigReader& owner, ConfigParts& parts,
                                                          ConfigFaults& faults);

}  // namespace scepgate::server
