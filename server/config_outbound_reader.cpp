#include "server/config_outbound_reader.hpp"

#include "server/outbound_url.hpp"

namespace scepgate::server {
namespace {

OutboundConfig::Proxy read_proxy(const ConfigReader::Json& json, const std::string& path,
                                 ConfigParts& parts, ConfigFaults& faults) {
    OutboundConfig::Proxy proxy;
    ConfigReader reader(json, path, faults);
    proxy.url = reader.required_text("url", "\"http://proxy.example:3128\"");
    if (!proxy.url.empty()) {
        // To the proxy itself http:// is usual: it sees a tunnel.
        if (const auto fit = check_outbound_url(proxy.url, true); !fit)
            faults.error(reader.path_of("url"), "'" + proxy.url + "' " + fit.error().detail);
    }
    reader.text("user", proxy.user);
    if (const auto* password = reader.member("password"))
        proxy.password = parts.secret(*password, reader.path_of("password"));
    if (proxy.user.empty() == proxy.password.has_value())
        faults.error(path, "needs both 'user' and 'password', or none of them");
    reader.finish();
    return proxy;
}

}  // namespace

OutboundConfig read_outbound(ConfigReader& owner, ConfigParts& parts, ConfigFaults& faults) {
    OutboundConfig outbound;
    outbound.json_path = owner.path_of("http");
    const auto* json = owner.member("http");
    if (json == nullptr) return outbound;
    ConfigReader reader(*json, outbound.json_path, faults);
    outbound.ca_bundle = parts.file(reader, "ca_bundle");
    if (const auto* pair = reader.member("client_certificate")) {
        outbound.client_certificate = parts.key_pair(*pair, reader.path_of("client_certificate"));
    }
    if (const auto* proxy = reader.member("proxy"))
        outbound.proxy = read_proxy(*proxy, reader.path_of("proxy"), parts, faults);
    reader.duration("timeout", outbound.timeout, 1, 300);
    reader.flag("allow_http", outbound.allow_http);
    if (outbound.allow_http) {
        faults.warn(reader.path_of("allow_http"),
                    "secrets and verdicts may go over the network in the clear",
                    "for tests on one machine only: leave it out and use https://");
    }
    reader.finish();
    return outbound;
}

void judge_outbound_url(const std::string& url, const std::string& json_path,
                        const OutboundConfig& outbound, ConfigFaults& faults) {
    if (url.empty()) return;
    if (const auto fit = check_outbound_url(url, outbound.allow_http); !fit)
        faults.error(json_path, "'" + url + "' " + fit.error().detail);
}

}  // namespace scepgate::server
