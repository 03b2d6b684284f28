#include "server/config_policy_rule.hpp"

#include <algorithm>

#include "policy/renewal.hpp"
#include "server/config_references.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigReader::Json;
using PolicyKind = PolicyRule::Kind;

constexpr const char* kForms =
    "the name of one of 'policies', { \"any_of\": [...] } or { \"all_of\": [...] } (to allow "
    "everybody, spell out one of type \"none\")";

PolicyRule read(const Json& json, const std::string& path, std::size_t depth, ConfigFaults& faults);

void read_members(ConfigReader& reader, const char* key, std::size_t depth, PolicyRule& into,
                  ConfigFaults& faults) {
    const std::size_t before = faults.list().size();
    reader.each(key, false, [&](const Json& value, const std::string& at) {
        into.members.push_back(read(value, at, depth + 1, faults));
    });
    if (into.members.empty() && faults.list().size() == before) {
        faults.error(reader.path_of(key), "is empty: there would be nobody to decide",
                     "name at least one of 'policies'");
    }
}

PolicyRule read(const Json& json, const std::string& path, std::size_t depth,
                ConfigFaults& faults) {
    PolicyRule rule;
    rule.json_path = path;
    if (json.is_string()) {
        rule.name = json.get<std::string>();
        if (rule.name.empty()) faults.error(path, "is empty", std::string("give ") + kForms);
        return rule;
    }
    if (!json.is_object()) {
        faults.error(path, "is neither text nor an object", std::string("give ") + kForms);
        return rule;
    }
    if (depth == kDeepestPolicyRule) {
        faults.error(path, "is nested too deep",
                     "compositions may be nested " + std::to_string(kDeepestPolicyRule) + " deep");
        return rule;
    }
    ConfigReader reader(json, path, faults);
    const bool any = reader.member("any_of") != nullptr;
    const bool all = reader.member("all_of") != nullptr;
    if (any == all) {
        faults.error(path, "needs exactly one of 'any_of' and 'all_of'",
                     "nest one in the other where both are meant");
    } else {
        rule.kind = any ? PolicyKind::kAnyOf : PolicyKind::kAllOf;
        read_members(reader, any ? "any_of" : "all_of", depth, rule, faults);
    }
    reader.finish();
    return rule;
}

/// Policies of type "none" that others stand beside under any_of.
void check_open_doors(const PolicyRule& rule, const Config& config, ConfigFaults& faults) {
    for (const PolicyRule& member : rule.members) {
        if (rule.kind == PolicyKind::kAnyOf && rule.members.size() > 1 &&
            is_open_to_all(member, config)) {
            faults.error(member.json_path,
                         "grants whatever is asked for, so the others under any_of decide nothing",
                         "leave it out, or name it alone");
        }
        check_open_doors(member, config, faults);
    }
}

}  // namespace

PolicyRule read_policy_rule(ConfigReader& endpoint, ConfigFaults& faults) {
    const std::string path = endpoint.path_of("policy");
    if (const Json* json = endpoint.required("policy", kForms)) return read(*json, path, 0, faults);
    PolicyRule none;
    none.json_path = path;
    return none;
}

bool is_open_to_all(const PolicyRule& rule, const Config& config) {
    const auto open = [&](const PolicyRule& member) { return is_open_to_all(member, config); };
    switch (rule.kind) {
        case PolicyKind::kOne: {
            const auto found = config.policies.find(rule.name);
            return found != config.policies.end() && found->second.as<OpenPolicyConfig>();
        }
        case PolicyKind::kAnyOf:
            return std::any_of(rule.members.begin(), rule.members.end(), open);
        case PolicyKind::kAllOf:
            return !rule.members.empty() &&
                   std::all_of(rule.members.begin(), rule.members.end(), open);
    }
    return false;
}

void check_policy_name(const std::string& name, const std::string& path, ConfigFaults& faults) {
    if (name == policy::kRenewalPolicy) {
        faults.error(path, "'" + name + "' is what records call the renewal rule",
                     "give the policy another name");
    }
    if (name.find_first_of("+|()") != std::string::npos) {
        faults.error(path, "'" + name + "' has one of + | ( ) in its name",
                     "records join names with these: rename it");
    }
}

void check_policy_rule(const EndpointConfig& endpoint, const Config& config, ConfigFaults& faults) {
    std::set<std::string> seen;
    endpoint.policy.each([&](const PolicyRule& rule) {
        const std::string& name = rule.name;
        if (name == "none" && !config.policies.contains(name)) {
            faults.error(rule.json_path, "'none' is not in 'policies'",
                         "to allow everybody, spell it out: \"policies\": { \"none\": { "
                         "\"type\": \"none\" } }");
            return;
        }
        check_name(rule.json_path, name, config.policies, "policies", faults);
        if (!name.empty() && !seen.insert(name).second) {
            faults.error(rule.json_path, "'" + name + "' is named before", "name each policy once");
        }
    });
    check_open_doors(endpoint.policy, config, faults);
}

}  // namespace scepgate::server
