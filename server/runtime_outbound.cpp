#include "server/runtime_outbound.hpp"

namespace scepgate::server {

std::shared_ptr<policy::HttpClient> build_http_client(const OutboundConfig& config,
                                                      RuntimeContext& context) {
    OutboundSettings settings;
    settings.allow_http = config.allow_http;
    if (config.ca_bundle) {
        const auto cas = context.loader.bundle(*config.ca_bundle, config.json_path + ".ca_bundle");
        if (!cas) return nullptr;
        for (const auto& ca : *cas)
            settings.ca_bundle += ca.pem();
    }
    if (config.client_certificate) {
        const auto loaded = context.loader.credential(*config.client_certificate);
        if (!loaded) return nullptr;
        auto key = loaded->key.to_pem();
        if (!key) {
            context.faults.error(config.client_certificate->json_path + ".key", key.error().detail,
                                 "give it a key in a file");
            return nullptr;
        }
        context.keys.add(KeyRole::kServiceClient, config.client_certificate->json_path + ".key",
                         loaded->key.public_key());
        settings.client_certificate = loaded->certificate.pem();
        for (const auto& more : loaded->more)
            settings.client_certificate += more.pem();
        settings.client_key = std::move(*key);
    }
    if (config.proxy) {
        settings.proxy = config.proxy->url;
        settings.proxy_user = config.proxy->user;
        if (config.proxy->password) {
            auto password = context.loader.secret_line(*config.proxy->password);
            if (!password) return nullptr;
            settings.proxy_password = std::move(*password);
        }
    }
    return context.services.http->client(std::move(settings));
}

}  // namespace scepgate::server
