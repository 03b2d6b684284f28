#include "server/template_advice.hpp"

#include <algorithm>

#include "ca_backend/template_conflicts.hpp"
#include "server/config_template.hpp"
#include "server/template_choices.hpp"

namespace scepgate::server {
namespace {

using ca_backend::SubjectClaim;
using ca_backend::Template;

void report(const ca_backend::TemplateConflict& conflict, const std::string& at,
            ConfigFaults& faults) {
    if (conflict.warning) {
        faults.warn(at, conflict.what, conflict.remedy);
    } else {
        faults.error(at, conflict.what, conflict.remedy);
    }
}

/// Whether a policy of this type can say who the device or its user is.
bool can_identify(const PolicyConfig& policy) {
    return policy.as<ChallengeBlobConfig>() || policy.as<OneTimePasswordConfig>() ||
           policy.as<WebhookConfig>();
}

bool is_identity(SubjectClaim claim) {
    return claim == SubjectClaim::kDeviceId || claim == SubjectClaim::kUserId ||
           claim == SubjectClaim::kSid;
}

/// `at`: where the endpoint names the template.
void judge_claims(const EndpointConfig& endpoint, const Config& config, const Template& tmpl,
                  const std::string& at, ConfigFaults& faults) {
    if (!tmpl.subject) return;
    const auto& claims = tmpl.subject->claims();
    const auto needed = std::find_if(claims.begin(), claims.end(), is_identity);
    if (needed == claims.end()) return;
    bool known = true;
    bool possible = false;
    endpoint.policy.each([&](const PolicyRule& rule) {
        const auto policy = config.policies.find(rule.name);
        known = known && policy != config.policies.end();
        possible = possible || (policy != config.policies.end() && can_identify(policy->second));
    });
    if (!known || possible) return;
    faults.error(at,
                 "the subject of '" + tmpl.name + "' needs {" + std::string(to_text(*needed)) +
                     "}, which no policy of this endpoint can grant",
                 "use a claim of the names ({common_name}, {dns}, {email}, {upn}), or a policy "
                 "that identifies devices");
}

/// `at`: where the endpoint names the template.
void judge_rules_of_endpoint(const EndpointConfig& endpoint, const Template& tmpl,
                             const std::string& at, ConfigFaults& faults) {
    if (!endpoint.rules) return;
    const auto conflict = subject_conflict(tmpl, *endpoint.rules);
    if (!conflict) return;
    faults.error(at,
                 "every subject that '" + tmpl.name +
                     "' builds breaks the endpoint's rules: " + conflict->text,
                 "widen the rules, or correct the template's subject");
}

/// Whom rules limit, and what they lead to.
struct Limited {
    const policy::IssuanceRules& rules;
    const std::vector<std::string>& templates;  ///< empty: all
    std::string at;                             ///< JSON path of the rules
};

void judge_limited(const Limited& limited, const Config& config, const std::string& policy,
                   const Templates& templates, ConfigFaults& faults) {
    std::set<std::string> judged;
    for (const TemplateChoice& choice : template_choices(config, policy)) {
        const auto& only = limited.templates;
        if (!only.empty() && std::find(only.begin(), only.end(), choice.name) == only.end()) {
            continue;
        }
        const auto found = templates.find(choice.name);
        if (found == templates.end() || !judged.insert(choice.name).second) continue;
        const auto conflict = subject_conflict(found->second, limited.rules);
        if (!conflict) continue;
        faults.warn(limited.at,
                    "every subject that template '" + choice.name +
                        "' builds breaks them: " + conflict->text,
                    "widen them, or correct the template's subject");
    }
}

void judge_rules_of_others(const Config& config, const Templates& templates, ConfigFaults& faults) {
    for (const auto& [name, policy] : config.policies) {
        const auto* blob = policy.as<ChallengeBlobConfig>();
        if (blob == nullptr) continue;
        for (const auto& signer : blob->trusted_signers) {
            if (!signer.limits || !signer.limits->rules) continue;
            judge_limited(
                {*signer.limits->rules, signer.limits->templates, signer.limits->where + ".rules"},
                config, name, templates, faults);
        }
    }
    if (!config.admin) return;
    for (const auto& [name, caller] : config.admin->callers) {
        if (!caller.rules) continue;
        for (const std::string& policy : caller.policies)
            judge_limited({*caller.rules, caller.templates, caller.json_path + ".rules"}, config,
                          policy, templates, faults);
    }
}

void judge_purpose(const EndpointConfig& endpoint, const Templates& templates,
                   certs::Purpose purpose, ConfigFaults& faults) {
    const std::string prefix = endpoint.json_path + ".templates." + std::string(to_text(purpose));
    for (const auto& [name, at] : templates_of(endpoint)) {
        if (at != prefix && !at.starts_with(prefix + '[')) continue;
        const auto found = templates.find(name);
        if (found == templates.end()) continue;
        const auto conflict = ca_backend::template_conflict(found->second, purpose);
        if (!conflict) continue;
        auto named = *conflict;
        named.what.insert(0, "'" + name + "': " + named.key + " ");
        report(named, at, faults);
    }
}

}  // namespace

std::optional<Refusal> subject_conflict(const Template& tmpl, const policy::IssuanceRules& rules) {
    if (!tmpl.subject) return std::nullopt;
    // The attributes are always the same; their values, and the alternative names, are not.
    policy::IssuanceRules types;
    types.where = rules.where;
    types.subject.allowed = rules.subject.allowed;
    types.subject.required = rules.subject.required;
    const certs::GeneralNames no_names;
    const std::optional<std::string> no_sid;
    return policy::judge_rules(types, {tmpl.subject->sample(), no_names, no_sid});
}

void judge_templates(const Config& config, const Templates& templates, const CaChains& chains,
                     std::int64_t now, ConfigFaults& faults) {
    judge_rules_of_others(config, templates, faults);
    std::set<std::pair<std::string, std::string>> judged;  // template and CA
    for (const EndpointConfig& endpoint : config.endpoints) {
        for (const auto purpose : {certs::Purpose::kSignature, certs::Purpose::kEncryption,
                                   certs::Purpose::kGeneralPurpose})
            judge_purpose(endpoint, templates, purpose, faults);
        for (const auto& [name, at] : templates_of(endpoint)) {
            const auto found = templates.find(name);
            if (found == templates.end()) continue;
            judge_claims(endpoint, config, found->second, at, faults);
            judge_rules_of_endpoint(endpoint, found->second, at, faults);
            for (const std::string& ca :
                 {endpoint.ca, endpoint.next ? endpoint.next->ca : std::string()}) {
                const auto chain = chains.find(ca);
                if (chain == chains.end() || !judged.emplace(name, ca).second) continue;
                for (const auto& conflict :
                     ca_backend::template_conflicts(found->second, chain->second, now))
                    report(conflict, config.templates.at(name).json_path + '.' + conflict.key,
                           faults);
            }
        }
    }
}

}  // namespace scepgate::server
