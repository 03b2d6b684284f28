#include "server/template_choices.hpp"

#include <algorithm>
#include <set>

namespace scepgate::server {
namespace {

using certs::Purpose;

std::optional<ca_backend::SubjectPattern> pattern_of(const Config& config,
                                                     const std::string& name) {
    const auto found = config.templates.find(name);
    if (found == config.templates.end() || found->second.subject == "from_request") return {};
    auto pattern = ca_backend::SubjectPattern::parse(found->second.subject);
    if (!pattern) return std::nullopt;  // reported where templates are built
    return *std::move(pattern);
}

std::string listed(const std::set<std::string>& names) {
    std::string all;
    for (const std::string& name : names)
        all += (all.empty() ? "" : ", ") + name;
    return all;
}

bool is_good_at(const TemplateChoice& choice, const policy::ChallengeParameters& parameters) {
    const auto& only = parameters.endpoints;
    return only.empty() || std::find(only.begin(), only.end(), choice.endpoint) != only.end();
}

bool can_lead_to(const TemplateChoice& choice, const policy::ChallengeParameters& parameters) {
    if (!is_good_at(choice, parameters)) return false;
    if (parameters.template_name && *parameters.template_name != choice.name) return false;
    if (parameters.purpose && *parameters.purpose != choice.purpose) return false;
    if (!parameters.key_usage) return true;
    const auto purpose = certs::purpose_of(*parameters.key_usage);
    return !purpose || *purpose == choice.purpose;
}

}  // namespace

TemplateChoices template_choices(const Config& config, std::string_view policy) {
    TemplateChoices choices;
    for (const EndpointConfig& endpoint : config.endpoints) {
        bool asks = false;
        endpoint.policy.each([&](const PolicyRule& rule) { asks = asks || rule.name == policy; });
        if (!asks) continue;
        const auto add = [&](Purpose purpose, const std::string& first) {
            std::vector<std::string> names =
                endpoint.other_templates[static_cast<std::size_t>(purpose)];
            if (!first.empty()) names.insert(names.begin(), first);
            for (const std::string& name : names)
                choices.push_back({endpoint.name, purpose, name, pattern_of(config, name)});
        };
        add(Purpose::kSignature, endpoint.signature_template);
        add(Purpose::kEncryption, endpoint.encryption_template);
        add(Purpose::kGeneralPurpose, endpoint.general_purpose_template);
    }
    return choices;
}

std::string order_fault(const TemplateChoices& choices,
                        const policy::ChallengeParameters& parameters) {
    if (choices.empty()) return {};
    std::set<std::string> endpoints, templates;
    for (const TemplateChoice& choice : choices) {
        endpoints.insert(choice.endpoint);
        if (is_good_at(choice, parameters)) templates.insert(choice.name);
    }
    for (const std::string& name : parameters.endpoints) {
        if (endpoints.contains(name)) continue;
        return "endpoint: '" + name + "' is none with this policy; there are " + listed(endpoints);
    }
    const auto& ordered = parameters.template_name;
    if (!ordered || templates.contains(*ordered)) return {};
    return "template: no endpoint with this policy has it; they have " + listed(templates);
}

std::vector<certs::Name> built_subjects(const TemplateChoices& choices,
                                        const policy::ChallengeParameters& parameters) {
    const ca_backend::SubjectSource source{parameters.subject, parameters.subject_alt_name,
                                           parameters.sid, parameters.device_id,
                                           parameters.user_id};
    std::vector<certs::Name> subjects;
    for (const TemplateChoice& choice : choices) {
        if (!choice.subject || !can_lead_to(choice, parameters)) continue;
        auto built = choice.subject->build(source);
        if (!built) continue;
        const bool known =
            std::any_of(subjects.begin(), subjects.end(),
                        [&](const certs::Name& one) { return one.der() == built->der(); });
        if (!known) subjects.push_back(*std::move(built));
    }
    return subjects;
}

}  // namespace scepgate::server
