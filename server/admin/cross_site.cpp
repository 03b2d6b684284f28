#include "server/admin/cross_site.hpp"

#include "certs/asn1_string.hpp"

namespace scepgate::server::admin {
namespace {

/// host[:port] of "scheme://host[:port]/…", without the scheme's own port; "" for anything else.
std::string_view authority_of(std::string_view url) {
    for (const auto& [scheme, usual] :
         {std::pair<std::string_view, std::string_view>{"https://", ":443"}, {"http://", ":80"}}) {
        if (url.size() < scheme.size()) continue;
        if (!certs::equal_ignoring_ascii_case(url.substr(0, scheme.size()), scheme)) continue;
        url.remove_prefix(scheme.size());
        url = url.substr(0, url.find_first_of("/?#"));
        if (url.find('@') != std::string_view::npos) return {};
        if (url.ends_with(usual)) url.remove_suffix(usual.size());
        return url;
    }
    return {};
}

bool same_host(std::string_view url, std::string_view host) {
    const std::string_view authority = authority_of(url);
    if (authority.empty()) return false;
    // Behind a proxy, or on port 80, the Host field may say the port or leave it out.
    for (const std::string_view usual : {std::string_view(":443"), std::string_view(":80")}) {
        if (host.size() == authority.size() + usual.size() && host.ends_with(usual))
            host.remove_suffix(usual.size());
    }
    return certs::equal_ignoring_ascii_case(authority, host);
}

}  // namespace

std::string_view cross_site_evidence(const HttpDetails& details) {
    const std::string& site = details.sec_fetch_site;
    if (!site.empty() && site != "same-origin" && site != "none") return "Sec-Fetch-Site";
    if (!details.origin.empty() && !same_host(details.origin, details.host)) return "Origin";
    if (!details.referer.empty() && !same_host(details.referer, details.host)) return "Referer";
    return {};
}

}  // namespace scepgate::server::admin
