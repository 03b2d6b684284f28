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
