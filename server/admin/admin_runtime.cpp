#include "server/admin/admin_runtime.hpp"

#include <algorithm>

#include "certs/asn1_string.hpp"
#include "server/credentials.hpp"

namespace scepgate::server::admin {
namespace {

using Kind = AdminPolicy::Kind;

constexpr std::size_t kShortestPassword = 12;
constexpr std::size_t kShortestToken = 32;

/// RFC 6750 section 2.1: what can stand behind "Bearer".
bool is_token(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("-._~+/=").find(c) != std::string_view::npos;
    });
}

class CallerBuilder {
public:
    CallerBuilder(const AdminConfig& config, CredentialLoader& loader, ConfigFaults& faults)
        : config_(config), loader_(loader), faults_(faults) {}

    std::vector<Caller> build() {
        std::vector<Caller> callers;
        for (const auto& [name, caller] : config_.callers)
            callers.push_back(build(name, caller));
        return callers;
    }

private:
    Caller build(const std::string& name, const AdminCallerConfig& config) {
        Caller caller;
        caller.name = name;
        caller.policies = {config.policies.begin(), config.policies.end()};
        caller.endpoints = {config.endpoints.begin(), config.endpoints.end()};
        caller.limits = {config.per_day, config.outstanding, config.templates, nullptr};
        if (config.rules)
            caller.limits.rules = std::make_shared<const policy::IssuanceRules>(*config.rules);
        caller.rate = config.rate;
        for (const auto& source : config.passwords) {
            if (const auto hash = secret(source, kShortestPassword, "password", false))
                caller.passwords.push_back(*hash);
        }
        for (const auto& source : config.tokens) {
            const auto hash = secret(source, kShortestToken, "token", true);
            if (!hash) continue;
            only_once(*hash, source.json_path, "this token");
            caller.tokens.push_back(*hash);
        }
        certificates(config, caller);
        return caller;
    }

    std::optional<Sha256> secret(const SecretSource& source, std::size_t shortest,
                                 const std::string& what, bool token) {
        const auto loaded = loader_.secret_line(source);
        if (!loaded) return std::nullopt;
        const std::string_view text = loaded->text();
        if (text.size() < shortest) {
            faults_.error(
                source.json_path,
                "the " + what + " has fewer than " + std::to_string(shortest) + " characters",
                "choose a long random one: openssl rand -hex 32");
        } else if (token && !is_token(text)) {
            faults_.error(source.json_path,
                          "the token has characters that cannot be sent after \"Bearer\"",
                          "make one: openssl rand -hex 32");
        } else {
            return sha256(as_bytes(text));
        }
        return std::nullopt;
    }

    void certificates(const AdminCallerConfig& config, Caller& caller) {
        const std::string at = config.json_path + ".certificate";
        for (const auto& file : config.certificates) {
            const auto loaded = loader_.certificates(file, at, Expiry::kWarning);
            if (!loaded) continue;
            const Sha256 hash = loaded->front().fingerprint();
            only_once(hash, at, "this certificate");
            caller.certificates.push_back(hash);
        }
        const auto asks = [](const ListenSettings& listener) {
            return listener.client_ca.has_value();
        };
        const auto& listeners = config_.http.listen;
        if (!config.certificates.empty() &&
            std::none_of(listeners.begin(), listeners.end(), asks)) {
            faults_.error(at, "no admin listener asks for client certificates",
                          "add \"client_ca\" to one of admin.listen");
        }
    }

    void only_once(const Sha256& hash, const std::string& json_path, const std::string& what) {
        const auto [place, fresh] = taken_.emplace(hash, json_path);
        if (fresh) return;
        faults_.error(json_path, what + " is that of " + place->second + " too",
                      "give each caller its own: it says who asks");
    }

    const AdminConfig& config_;
    CredentialLoader& loader_;
    ConfigFaults& faults_;
    std::map<Sha256, std::string> taken_;
};

/// What makes no challenges here. Who needs a static password has it already.
AdminPolicy without_challenges(const char* type) {
    AdminPolicy policy;
    policy.type = type;
    return policy;
}

AdminPolicy describe(const OpenPolicyConfig&) {
    return without_challenges("none");
}
AdminPolicy describe(const StaticPasswordConfig&) {
    return without_challenges("static_password");
}
AdminPolicy describe(const IntuneConfig&) {
    return without_challenges("intune");
}
AdminPolicy describe(const WebhookConfig&) {
    return without_challenges("webhook");
}

AdminPolicy describe(const OneTimePasswordConfig& config) {
    AdminPolicy policy;
    policy.type = "one_time_password";
    policy.kind = Kind::kPassword;
    policy.validity = config.password_validity;
    policy.binds = !config.single_password.has_value();
    return policy;
}

AdminPolicy describe(const ChallengeBlobConfig& config) {
    AdminPolicy policy;
    policy.type = "challenge_blob";
    policy.kind = !config.signers.empty() ? Kind::kBlob : Kind::kSelfMade;
    policy.audience = config.audience;
    return policy;
}

/// The modules that an endpoint lists.
std::vector<std::string> policies_of(const EndpointConfig& endpoint) {
    std::vector<std::string> names;
    endpoint.policy.each([&](const PolicyRule& rule) { names.push_back(rule.name); });
    return names;
}

AdminPage page_for(const EndpointConfig& endpoint,
                   const std::map<std::string, AdminPolicy>& policies) {
    AdminPage page;
    page.endpoint = endpoint.name;
    page.scep_path = endpoint.paths.front();
    for (const auto& path : endpoint.paths) {
        std::string of_page = mscep_admin_path(path);
        if (std::find(page.paths.begin(), page.paths.end(), of_page) == page.paths.end())
            page.paths.push_back(std::move(of_page));
    }
    std::vector<std::string> with_page, that_mint;
    for (const auto& name : policies_of(endpoint)) {
        const auto found = policies.find(name);
        if (found == policies.end()) continue;
        if (found->second.has_page()) with_page.push_back(name);
        if (found->second.mints()) that_mint.push_back(name);
    }
    if (with_page.size() == 1) page.page_policy = with_page.front();
    if (that_mint.size() == 1) page.challenge_policy = that_mint.front();
    if (page.challenge_policy.empty()) page.challenge_policy = page.page_policy;
    return page;
}

/// A scope that gives nothing is a mistake in one of two places.
void judge_scopes(const AdminConfig& config, const AdminRuntime& runtime, ConfigFaults& faults) {
    for (const auto& [name, caller] : config.callers) {
        for (std::size_t i = 0; i < caller.policies.size(); ++i) {
            const auto found = runtime.policies.find(caller.policies[i]);
            if (found == runtime.policies.end() || found->second.kind != Kind::kNone) continue;
            faults.warn(caller.json_path + ".policies[" + std::to_string(i) + "]",
                        "policy '" + found->first + "' makes no challenges");
        }
        for (std::size_t i = 0; i < caller.endpoints.size(); ++i) {
            const std::string& endpoint = caller.endpoints[i];
            const auto found =
                std::find_if(runtime.pages.begin(), runtime.pages.end(),
                             [&](const AdminPage& page) { return page.endpoint == endpoint; });
            if (found == runtime.pages.end() || !found->challenge_policy.empty()) continue;
            faults.warn(caller.json_path + ".endpoints[" + std::to_string(i) + "]",
                        "no policy of this endpoint, or more than one, makes challenges",
                        "name the policy in 'policies' and use the API");
        }
    }
}

}  // namespace

const AdminPage* AdminRuntime::page_of(std::string_view path) const {
    constexpr std::string_view kDocument = "/mscep.dll";
    if (path.size() > kDocument.size() &&
        certs::equal_ignoring_ascii_case(path.substr(path.size() - kDocument.size()), kDocument)) {
        path.remove_suffix(kDocument.size());
    } else if (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    for (const AdminPage& page : pages) {
        for (const std::string& known : page.paths) {
            if (certs::equal_ignoring_ascii_case(path, known)) return &page;
        }
    }
    return nullptr;
}

std::shared_ptr<const AdminRuntime> build_admin(const Config& config,
                                                std::shared_ptr<const Runtime> runtime,
                                                std::int64_t now, ConfigFaults& faults) {
    if (!config.admin) return nullptr;
    auto made = std::make_shared<AdminRuntime>();
    CredentialLoader loader(faults, now);
    made->callers = Callers(CallerBuilder(*config.admin, loader, faults).build());
    made->utf16_pages = config.admin->utf16_pages;
    for (const auto& [name, policy] : config.policies) {
        AdminPolicy described =
            std::visit([](const auto& module) { return describe(module); }, policy.module);
        described.choices = template_choices(config, name);
        if (runtime) {
            const auto module = runtime->policies().find(name);
            if (module != runtime->policies().end()) described.module = module->second;
        }
        made->policies.emplace(name, std::move(described));
    }
    for (const auto& endpoint : config.endpoints) {
        if (!endpoint.paths.empty()) made->pages.push_back(page_for(endpoint, made->policies));
    }
    if (!runtime || faults.has_errors()) return nullptr;
    // Only now: nothing is known of a policy that could not be read.
    judge_scopes(*config.admin, *made, faults);
    made->scep = std::move(runtime);
    return made;
}

}  // namespace scepgate::server::admin
