// Whether templates fit the endpoints that use them: their CAs, purposes and policies.
#pragma once

#include <set>

#include "certs/certificate.hpp"
#include "server/runtime_templates.hpp"

namespace scepgate::server {

/// Chains of the CAs by name, issuing CA first.
using CaChains = std::map<std::string, std::vector<certs::Certificate>>;

/// Why no subject that the template builds can keep the rules, whatever is granted: it has an
/// attribute that they do not allow, or lacks one that they require.
[[nodiscard]] std::optional<Refusal> subject_conflict(const ca_backend::Template& tmpl,
                                                      const policy::IssuanceRules& rules);

/// Faults: a template that cannot serve the purpose that it is named for, one whose subject needs
/// claims that no policy of the endpoint can grant or breaks the endpoint's rules, and what
/// template_conflicts() has of each CA. Warnings: a subject that breaks the rules of a signer, or
/// of a caller of the admin listener, who leads to the template. CAs that are missing in `chains`
/// have faults of their own.
void judge_templates(const Config& config, const Templates& templates, const CaChains& chains,
                     std::int64_t now, ConfigFaults& faults);

}  // namespace scepgate::server
