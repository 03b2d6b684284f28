#include "policy/intune/intune_module.hpp"
#include "server/renewal_advice.hpp"
#include "server/runtime_outbound.hpp"
#include "server/runtime_policy_modules.hpp"

namespace scepgate::server {
namespace {

using policy::intune::AssertionAlgorithm;
using policy::intune::Settings;

bool load_app_certificate(const IntuneConfig& config, RuntimeContext& context, Settings& into) {
    const KeyPairConfig& pair = *config.certificate;
    const auto advice = [](const certs::Certificate&, const std::filesystem::path& file) {
        return "make a new one, upload it to the app registration, and put it in " + file.string();
    };
    auto loaded = context.loader.credential(pair, Expiry::kError, advice);
    if (!loaded) return false;
    if (loaded->key.type() != certs::KeyType::kRsa) {
        context.faults.error(pair.json_path + ".key", "is no RSA key",
                             "Entra ID takes client assertions by RSA keys");
        return false;
    }
    context.keys.add(KeyRole::kServiceClient, pair.json_path + ".key", loaded->key.public_key());
    into.app_certificate = policy::intune::AppCertificate{
        loaded->certificate, loaded->key,
        config.rs256 ? AssertionAlgorithm::kRs256 : AssertionAlgorithm::kPs256};
    return true;
}

bool load_secret(const IntuneConfig& config, RuntimeContext& context, Settings& into) {
    auto secret = context.loader.secret_line(*config.secret);
    if (!secret) return false;
    into.client_secret = std::move(*secret);
    return true;
}

}  // namespace

std::shared_ptr<policy::PolicyModule> build_module(const IntuneConfig& config,
                                                   const PolicyPlace& place,
                                                   RuntimeContext& context) {
    Settings settings;
    settings.name = place.name;
    settings.tenant = config.tenant;
    settings.app_id = config.app_id;
    settings.provider = config.provider.empty() ? "scepgate " SCEPGATE_VERSION : config.provider;
    settings.authority = config.authority;
    settings.graph = config.graph;
    settings.graph_version = config.graph_version;
    settings.resource = config.resource;
    settings.intune_app_id = config.intune_app_id;
    settings.validation_version = config.validation_version;
    settings.revocation_version = config.revocation_version;
    settings.call_timeout = std::chrono::seconds(config.http.timeout);
    if (config.certificate && !load_app_certificate(config, context, settings)) return nullptr;
    if (config.secret && !load_secret(config, context, settings)) return nullptr;
    auto http = build_http_client(config.http, context);
    if (!http || (!config.secret && !config.certificate)) return nullptr;
    auto api = std::make_shared<policy::intune::Api>(
        std::make_shared<const Settings>(std::move(settings)), std::move(http), context.clock);
    if (config.revocation) {
        RevocationFeed feed;
        feed.policy = place.name;
        feed.api = api;
        feed.every = std::chrono::seconds(config.revocation->every);
        feed.most = config.revocation->max_per_poll;
        context.revocation_feeds.push_back(std::move(feed));
    }
    return std::make_shared<policy::IntuneModule>(std::move(api));
}

}  // namespace scepgate::server
