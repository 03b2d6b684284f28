#include "server/config_intune_judge.hpp"

#include <algorithm>

#include "certs/asn1_string.hpp"

namespace scepgate::server {
namespace {

bool same_tenant(const IntuneConfig& one, const IntuneConfig& other) {
    return certs::equal_ignoring_ascii_case(one.tenant, other.tenant) &&
           one.authority == other.authority && one.graph == other.graph &&
           one.resource == other.resource && one.intune_app_id == other.intune_app_id;
}

const IntuneConfig* find_intune(const std::string& name, const Config& config) {
    const auto found = config.policies.find(name);
    return found == config.policies.end() ? nullptr : found->second.as<IntuneConfig>();
}

/// Two feeds would answer each other's requests.
void check_feeds(const Config& config, ConfigFaults& faults) {
    for (const auto& [name, policy] : config.policies) {
        const auto* intune = policy.as<IntuneConfig>();
        if (intune == nullptr || !intune->revocation) continue;
        for (const std::string& other : policies_of_tenant(name, config)) {
            if (other >= name || !find_intune(other, config)->revocation) continue;
            faults.error(policy.json_path + ".revocation",
                         "policy '" + other + "' asks for this tenant's revocation requests",
                         "keep one: it serves all policies of the tenant");
            break;
        }
    }
}

void check_renewal(const EndpointConfig& endpoint, const Config& config, ConfigFaults& faults) {
    if (!endpoint.renewal ||
        endpoint.renewal->settings.challenge == policy::RenewalChallenge::kRequired) {
        return;
    }
    endpoint.policy.each([&](const PolicyRule& rule) {
        if (find_intune(rule.name, config) == nullptr) return;
        faults.warn(endpoint.renewal->json_path + ".challenge",
                    "lets certificates be renewed without a challenge: of those Intune never "
                    "hears, so it cannot have them revoked",
                    "say \"required\", or leave 'renewal' out: Intune's devices enrol anew");
    });
}

}  // namespace

std::vector<std::string> policies_of_tenant(const std::string& name, const Config& config) {
    std::vector<std::string> names;
    const auto* asked = find_intune(name, config);
    for (const auto& [each, policy] : config.policies) {
        const auto* intune = policy.as<IntuneConfig>();
        if (asked != nullptr && intune != nullptr && same_tenant(*asked, *intune))
            names.push_back(each);
    }
    return names;
}

void check_intune(const Config& config, ConfigFaults& faults) {
    check_feeds(config, faults);
    for (const auto& endpoint : config.endpoints)
        check_renewal(endpoint, config, faults);
}

}  // namespace scepgate::server
