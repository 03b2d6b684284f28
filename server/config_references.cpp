#include "server/config_references.hpp"

#include "server/config_admin_reader.hpp"
#include "server/config_crl_reader.hpp"
#include "server/config_intune_judge.hpp"
#include "server/config_policy_rule.hpp"
#include "server/config_template.hpp"
#include "server/http_address.hpp"
#include "server/shared_policies.hpp"

namespace scepgate::server {
namespace {

using Places = std::map<std::string, std::string>;  ///< what is taken, by which JSON path

void check_endpoint(const EndpointConfig& endpoint, const Config& config, ConfigFaults& faults) {
    const std::string& at = endpoint.json_path;
    check_name(at + ".ca", endpoint.ca, config.cas, "cas", faults);
    if (endpoint.next)
        check_name(endpoint.next->json_path + ".ca", endpoint.next->ca, config.cas, "cas", faults);
    check_policy_rule(endpoint, config, faults);
    for (const auto& [name, path] : templates_of(endpoint))
        check_name(path, name, config.templates, "templates", faults);
}

bool is_shared_password(const PolicyConfig& policy) {
    const auto* one_time = policy.as<OneTimePasswordConfig>();
    return policy.as<StaticPasswordConfig>() || (one_time && one_time->single_password);
}

/// Whether a challenge that the policy took is worth nothing to whoever learns of it later.
bool uses_up_challenges(const PolicyConfig& policy) {
    if (policy.as<OneTimePasswordConfig>()) return !is_shared_password(policy);
    return policy.as<ChallengeBlobConfig>() || policy.as<IntuneConfig>();
}

/// The same of a rule; of all that can grant alone, or of one that has to agree.
bool uses_up_challenges(const PolicyRule& rule, const Config& config) {
    const auto used = [&](const PolicyRule& member) { return uses_up_challenges(member, config); };
    if (rule.kind == PolicyRule::Kind::kOne) {
        const auto found = config.policies.find(rule.name);
        // One that is not there has been reported.
        return found == config.policies.end() || uses_up_challenges(found->second);
    }
    return rule.kind == PolicyRule::Kind::kAnyOf
               ? std::all_of(rule.members.begin(), rule.members.end(), used)
               : rule.members.empty() ||
                     std::any_of(rule.members.begin(), rule.members.end(), used);
}

/// Who heard such a reply can search for its challenge offline, as fast as PBKDF2 lets him.
void refuse_reusable_recipients(const EndpointConfig& endpoint, const Config& config,
                                ConfigFaults& faults) {
    if (!endpoint.ec_password_recipient || uses_up_challenges(endpoint.policy, config)) return;
    std::string names;
    endpoint.policy.each([&](const PolicyRule& rule) {
        if (!uses_up_challenges(rule, config))
            names += (names.empty() ? "'" : ", '") + rule.name + "'";
    });
    faults.error(
        endpoint.json_path + ".algorithms.ec_password_recipient",
        "encrypts replies with the device's challenge, which can be used again here (policy " +
            names + "): from one recorded reply it can be guessed offline",
        "have the endpoint ask a policy that uses challenges up (challenge_blob, "
        "one_time_password), or leave it off");
}

/// Whether what the policy grants may wait: its service says so, or a signer's limits.
bool may_hold(const PolicyConfig& policy) {
    if (policy.as<WebhookConfig>()) return true;
    const auto* blob = policy.as<ChallengeBlobConfig>();
    return blob != nullptr &&
           std::any_of(blob->trusted_signers.begin(), blob->trusted_signers.end(),
                       [](const auto& signer) { return signer.limits && signer.limits->approval; });
}

/// A request that waits is stored as it came: its signature covers the challengePassword.
void warn_of_stored_passwords(const EndpointConfig& endpoint, const Config& config,
                              ConfigFaults& faults) {
    bool waits = false;
    for (const auto& [name, path] : templates_of(endpoint)) {
        const auto found = config.templates.find(name);
        waits |= found != config.templates.end() && found->second.approval;
    }
    endpoint.policy.each([&](const PolicyRule& rule) {
        const auto policy = config.policies.find(rule.name);
        waits |= policy != config.policies.end() && may_hold(policy->second);
    });
    if (!waits) return;
    endpoint.policy.each([&](const PolicyRule& rule) {
        const auto policy = config.policies.find(rule.name);
        if (policy == config.policies.end() || !is_shared_password(policy->second)) return;
        faults.warn(
            rule.json_path,
            "requests that wait for an operator are stored with the password that policy '" +
                rule.name + "' shares among all devices",
            "guard the store and its backups as the password, or use one-time passwords");
    });
}

void check_policy(const PolicyConfig& policy, const Config& config, ConfigFaults& faults) {
    const auto* blob = policy.as<ChallengeBlobConfig>();
    if (blob == nullptr) return;
    for (const auto& signer : blob->trusted_signers) {
        if (!signer.limits) continue;
        const auto& names = signer.limits->templates;
        for (std::size_t i = 0; i < names.size(); ++i) {
            check_name(signer.limits->where + ".templates[" + std::to_string(i) + "]", names[i],
                       config.templates, "templates", faults);
        }
    }
}

/// What CAs publish stands beside the endpoints; only responders may share a path.
void check_published_paths(const Config& config, Places& taken, ConfigFaults& faults) {
    Places responders;
    for (const auto& [name, ca] : config.cas) {
        if (ca.ocsp) responders.emplace(ca.ocsp->path, ca.json_path + ".ocsp.path");
    }
    const auto check = [&](const std::string& path, const std::string& at) {
        const auto [place, fresh] = taken.emplace(path, at);
        if (fresh || path.empty()) return;
        faults.error(at, "'" + path + "' is taken by " + place->second, "choose another");
    };
    for (const auto& [path, at] : responders)
        check(path, at);
    for (const auto& [name, ca] : config.cas) {
        check(ca.certificate_path, ca.json_path + ".certificate_path");
        if (!ca.crl) continue;
        check(ca.crl->path, ca.json_path + ".crl.path");
        if (ca.crl->delta) check(ca.crl->delta->path, ca.json_path + ".crl.delta.path");
    }
}

void check_paths(const EndpointConfig& endpoint, Places& taken, ConfigFaults& faults) {
    for (std::size_t i = 0; i < endpoint.paths.size(); ++i) {
        const std::string at = endpoint.json_path + ".paths[" + std::to_string(i) + "]";
        const auto [place, fresh] = taken.emplace(endpoint.paths[i], at);
        if (fresh) continue;
        faults.error(at, "'" + endpoint.paths[i] + "' is taken by " + place->second,
                     "paths are compared without case and trailing /");
    }
}

/// An endpoint without a name of its own goes by its first path.
void check_endpoint_names(const std::vector<EndpointConfig>& endpoints, ConfigFaults& faults) {
    std::map<std::string, const EndpointConfig*> taken;
    for (const auto& endpoint : endpoints) {
        if (endpoint.paths.empty()) continue;
        const auto [place, fresh] = taken.emplace(endpoint.name, &endpoint);
        const EndpointConfig& other = *place->second;
        // Two that share their first path were reported for that.
        if (fresh || other.paths.front() == endpoint.paths.front()) continue;
        faults.error(endpoint.json_path + ".name",
                     "'" + endpoint.name + "' is the name of " + other.json_path,
                     "records tell endpoints apart by it: choose another");
    }
}

/// Two listeners cannot share a port unless their addresses differ and neither means all.
void check_listeners(const std::vector<ListenSettings>& listeners, ConfigFaults& faults) {
    std::vector<std::pair<boost::asio::ip::tcp::endpoint, std::string>> taken;
    for (const auto& listener : listeners) {
        const std::string at = listener.json_path + ".address";
        if (listener.address.empty()) continue;  // reported as missing
        const auto endpoint = parse_endpoint(listener.address);
        if (!endpoint) {
            faults.error(at, endpoint.error().detail);
            continue;
        }
        for (const auto& [other, place] : taken) {
            const bool same_port = endpoint->port() != 0 && other.port() == endpoint->port();
            if (!same_port || other.protocol() != endpoint->protocol()) continue;
            if (other.address() == endpoint->address() || other.address().is_unspecified() ||
                endpoint->address().is_unspecified()) {
                faults.error(at, "'" + listener.address + "' is taken by " + place,
                             "give each listener a port of its own");
                break;
            }
        }
        taken.emplace_back(*endpoint, at);
    }
}

/// Endpoints that a notifier names: by their own names, as records have them.
void check_notifiers(const Config& config, ConfigFaults& faults) {
    std::map<std::string, bool> named;
    for (const auto& endpoint : config.endpoints)
        named[endpoint.name] = true;
    for (const auto& [name, notifier] : config.notifiers) {
        for (std::size_t i = 0; i < notifier.endpoints.size(); ++i) {
            check_name(notifier.json_path + ".endpoints[" + std::to_string(i) + "]",
                       notifier.endpoints[i], named, "endpoints", faults);
        }
    }
}

}  // namespace

std::string remedy_for_name(const std::string& name, const std::set<std::string>& names) {
    const std::string near = nearest(name, names);
    if (!near.empty()) return "did you mean '" + near + "'?";
    std::string all;
    for (const auto& known : names)
        all += (all.empty() ? "there are: " : ", ") + known;
    return all.empty() ? "there are none" : all;
}

void check_references(const Config& config, ConfigFaults& faults) {
    for (const auto& [name, policy] : config.policies)
        check_policy(policy, config, faults);
    Places paths;
    for (const auto& endpoint : config.endpoints) {
        check_endpoint(endpoint, config, faults);
        warn_of_stored_passwords(endpoint, config, faults);
        refuse_reusable_recipients(endpoint, config, faults);
        check_paths(endpoint, paths, faults);
    }
    check_endpoint_names(config.endpoints, faults);
    check_notifiers(config, faults);
    auto listeners = config.http.listen;
    if (config.admin) {
        const auto& more = config.admin->http.listen;
        listeners.insert(listeners.end(), more.begin(), more.end());
    }
    check_published_paths(config, paths, faults);
    for (const auto& [name, ca] : config.cas) {
        // Of the others the signer has them: signer/compare.hpp.
        if (!ca.signer)
            judge_crl_urls(ca, !ca.crl_urls.empty(), !ca.freshest_crl_urls.empty(), faults);
    }
    check_listeners(listeners, faults);
    check_admin_references(config, faults);
    check_intune(config, faults);
    judge_shared_policies(config, faults);
}

}  // namespace scepgate::server
