// What a challenge of a policy can lead to: the templates of the endpoints that ask it.
#pragma once

#include "ca_backend/subject_pattern.hpp"
#include "policy/policy_module.hpp"
#include "server/config.hpp"

namespace scepgate::server {

struct TemplateChoice {
    std::string endpoint;  ///< its name
    certs::Purpose purpose{};
    std::string name;                                   ///< of the template
    std::optional<ca_backend::SubjectPattern> subject;  ///< that it builds; empty: the granted one
};
using TemplateChoices = std::vector<TemplateChoice>;

/// Of all endpoints that ask this policy.
[[nodiscard]] TemplateChoices template_choices(const Config& config, std::string_view policy);

/// What speaks against the endpoint or the template that is ordered: a device could use the
/// challenge nowhere. "": nothing; also where no endpoint here asks the policy, so that another
/// node's has to.
[[nodiscard]] std::string order_fault(const TemplateChoices& choices,
                                      const policy::ChallengeParameters& parameters);

/// What the templates that such a challenge can lead to would write in its subject's place; not
/// those that could build none of it.
[[nodiscard]] std::vector<certs::Name> built_subjects(
    const TemplateChoices& choices, const policy::ChallengeParameters& parameters);

}  // namespace scepgate::server
