#include "server/shared_policies.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

bool asks_policy(const EndpointConfig& endpoint, std::string_view policy) {
    bool asks = false;
    endpoint.policy.each([&](const PolicyRule& rule) { asks = asks || rule.name == policy; });
    return asks;
}

bool certify_alike(const EndpointConfig& one, const EndpointConfig& other) {
    return one.ca == other.ca && one.signature_template == other.signature_template &&
           one.encryption_template == other.encryption_template &&
           one.general_purpose_template == other.general_purpose_template &&
           one.other_templates == other.other_templates && one.rules_json == other.rules_json;
}

/// By an MDM that has a key of its own: the server does not see them made.
bool is_made_elsewhere(const ChallengeBlobConfig& blob) {
    return std::any_of(
        blob.trusted_signers.begin(), blob.trusted_signers.end(), [&](const auto& trusted) {
            return std::none_of(blob.signers.begin(), blob.signers.end(), [&](const auto& own) {
                return own.certificate == trusted.certificate;
            });
        });
}

/// A caller that may order challenges of the policy, and has none of its endpoints.
const std::string* unlimited_caller(const Config& config, const std::string& policy) {
    if (!config.admin) return nullptr;
    for (const auto& [name, caller] : config.admin->callers) {
        const auto& policies = caller.policies;
        const auto& own = caller.endpoints;
        if (std::find(policies.begin(), policies.end(), policy) == policies.end()) continue;
        const bool limited = std::any_of(
            config.endpoints.begin(), config.endpoints.end(), [&](const EndpointConfig& endpoint) {
                return asks_policy(endpoint, policy) &&
                       std::find(own.begin(), own.end(), endpoint.name) != own.end();
            });
        if (!limited) return &name;
    }
    return nullptr;
}

/// Who makes challenges that name no endpoint, and what to do about it; nobody: no value.
std::optional<std::pair<std::string, std::string>> unbound(const Config& config,
                                                           const std::string& name,
                                                           const PolicyConfig& policy) {
    const std::string split = "give each endpoint a policy of its own";
    const auto* one_time = policy.as<OneTimePasswordConfig>();
    const auto* blob = policy.as<ChallengeBlobConfig>();
    if (one_time == nullptr && blob == nullptr) return std::nullopt;
    if (one_time != nullptr && one_time->single_password) {
        return std::pair("its single password is good at each of them", split);
    }
    if (blob != nullptr && is_made_elsewhere(*blob)) {
        return std::pair(
            "a challenge that an MDM makes without the claim 'endpoint' is good at each of them",
            split + ", with another audience, or have the MDM name the endpoint");
    }
    if (const std::string* caller = unlimited_caller(config, name)) {
        return std::pair(
            "what caller '" + *caller +
                "' orders without 'endpoint' is good at each "
                "of them",
            "name the endpoints in admin.callers." + *caller + ".endpoints, or " + split);
    }
    return std::nullopt;
}

}  // namespace

std::vector<const EndpointConfig*> differing_endpoints(const Config& config,
                                                       std::string_view policy) {
    std::vector<const EndpointConfig*> all;
    for (const EndpointConfig& endpoint : config.endpoints) {
        if (asks_policy(endpoint, policy)) all.push_back(&endpoint);
    }
    const bool alike = std::all_of(all.begin(), all.end(), [&](const EndpointConfig* endpoint) {
        return certify_alike(*all.front(), *endpoint);
    });
    if (alike) all.clear();
    return all;
}

void judge_shared_policies(const Config& config, ConfigFaults& faults) {
    for (const auto& [name, policy] : config.policies) {
        const auto endpoints = differing_endpoints(config, name);
        if (endpoints.empty()) continue;
        const auto why = unbound(config, name, policy);
        if (!why) continue;
        std::string all;
        for (const EndpointConfig* endpoint : endpoints)
            all += (all.empty() ? "'" : ", '") + endpoint->name + "'";
        faults.warn(policy.json_path,
                    "is asked at endpoints with different CAs, templates or rules (" + all +
                        "): " + why->first,
                    why->second);
    }
}

}  // namespace scepgate::server
