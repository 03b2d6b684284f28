// Whether templates fit the endpoints that use them: their CAs, purposes and policies.
#pragma once

#include <set>

#include "certs/certificate.hpp"
#include "server/runtime_templates.hpp"

namespace scepgate::server {

/// Chains of the CAs by name, issuing CA first.
using CaChains = std::map<std::string, std::vector<certs::Certificate>>;

/// Faults: a template that cannot serve the purpose that it is named for, one whose subject needs
/// claims that no policy of the endpoint can grant, and what template_conflicts() has of each CA.
/// CAs that are missing in `chains` have faults of their own.
void judge_templates(const Config& config, const Templates& templates, const CaChains& chains,
                     std::int64_t now, ConfigFaults& faults);

}  // namespace scepgate::server
