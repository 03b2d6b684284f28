#include "server/runtime_webhook.hpp"

#include "policy/webhook.hpp"
#include "server/runtime_outbound.hpp"
#include "server/runtime_policy_modules.hpp"

namespace scepgate::server {
namespace {

std::chrono::milliseconds timeout_of(const OutboundConfig& http) {
    return std::chrono::seconds(http.timeout);
}

/// Empty after a fault.
std::optional<policy::WebhookKeys> load_keys(const std::vector<SecretSource>& sources,
                                             RuntimeContext& context) {
    std::vector<Secret> keys;
    for (const SecretSource& source : sources) {
        auto key = context.loader.secret_line(source);
        if (!key) return std::nullopt;
        if (key->view().size() < policy::WebhookKeys::kLeastOctets) {
            context.faults.error(source.json_path,
                                 "the key has fewer than " +
                                     std::to_string(policy::WebhookKeys::kLeastOctets) + " octets",
                                 "make one with: openssl rand -hex 32");
            return std::nullopt;
        }
        keys.push_back(std::move(*key));
    }
    // Reported when it was read.
    if (keys.empty() || keys.size() > policy::WebhookKeys::kMost) return std::nullopt;
    return policy::WebhookKeys(std::move(keys));
}

}  // namespace

std::shared_ptr<policy::PolicyModule> build_module(const WebhookConfig& config,
                                                   const PolicyPlace& place,
                                                   RuntimeContext& context) {
    auto keys = load_keys(config.keys, context);
    auto client = build_http_client(config.http, context);
    if (!keys || !client) return nullptr;
    return std::make_shared<policy::WebhookModule>(
        policy::WebhookSettings{place.name, config.url, std::move(*keys), config.send_challenge,
                                config.require_signed_answer, timeout_of(config.http),
                                config.once_scope},
        std::move(client), context.clock);
}

std::shared_ptr<const NotifierSet> build_notifiers(const Config& config, RuntimeContext& context) {
    if (config.notifiers.empty()) return nullptr;
    auto set = std::make_shared<NotifierSet>();
    set->subscriptions = subscriptions(config);
    for (const auto& [name, notifier] : config.notifiers) {
        auto keys = load_keys(notifier.keys, context);
        auto client = build_http_client(notifier.http, context);
        if (!keys || !client) continue;
        set->targets.push_back({name, notifier.url, std::move(*keys), std::move(client),
                                timeout_of(notifier.http), notifier.give_up_after});
    }
    return set;
}

}  // namespace scepgate::server
