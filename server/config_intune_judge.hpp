// What policies of type "intune" and the rest of the configuration mean for each other.
#pragma once

#include "server/config_reader.hpp"

namespace scepgate::server {

/// The names of all policies for the same tenant, in the same cloud, as the policy `name`; it is
/// one of type "intune".
[[nodiscard]] std::vector<std::string> policies_of_tenant(const std::string& name,
                                                          const Config& config);

/// Faults: two policies that ask for one tenant's revocation requests. Warned of: renewals of which
/// Intune would not hear.
void check_intune(const Config& config, ConfigFaults& faults);

}  // namespace scepgate::server
