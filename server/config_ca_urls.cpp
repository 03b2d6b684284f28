#include "server/config_ca_urls.hpp"

#include <algorithm>

#include "ca_backend/ca_version.hpp"
#include "certs/asn1_string.hpp"
#include "certs/general_name.hpp"
#include "certs/host_name.hpp"
#include "certs/name.hpp"
#include "server/http_address.hpp"

namespace scepgate::server {
namespace {

constexpr int kMaxIndex = 65535;

/// The names as far as the configuration has them: the CA's own name comes from its certificate.
ca_backend::CaUrlNames sample_names(const CaConfig& ca) {
    ca_backend::CaUrlNames names;
    names.dns_name = ca.dns_name;
    names.config_dn = ca.config_dn;
    names.ca_name = "CA";
    return names;
}

bool has_scheme(std::string_view text, std::string_view start) {
    return certs::equal_ignoring_ascii_case(text.substr(0, start.size()), start);
}

enum class UrlUse { kRetrieval, kOcsp };

/// Certificates name what any client can fetch.
void judge_scheme(const std::string& url, UrlUse use, const std::string& at, ConfigFaults& faults) {
    if (has_scheme(url, "http://")) return;
    if (has_scheme(url, "https://")) {
        faults.warn(at,
                    "many clients do not follow https:// from a certificate (RFC 5280 section "
                    "8: it would need a certificate to judge a certificate)",
                    "give it as http://: what is fetched is signed");
        return;
    }
    if (use == UrlUse::kRetrieval && has_scheme(url, "ldap://")) {
        faults.warn(at,
                    "scepgate does not publish in a directory, and clients other than Windows "
                    "do not look there",
                    "put an http:// URL before it, and publish there by other means");
        return;
    }
    faults.error(at, "'" + url + "' is nothing that a client can fetch",
                 use == UrlUse::kOcsp ? "give an http:// URL"
                                      : "give an http:// URL (ldap:// behind it, if need be)");
}

void read_urls(ConfigReader& reader, const std::string& key, UrlUse use,
               const ca_backend::CaUrlNames& names, std::vector<std::string>& into,
               ConfigFaults& faults) {
    std::vector<std::string> all;
    reader.texts(key, all);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string at = reader.path_of(key) + '[' + std::to_string(i) + ']';
        const auto url = ca_backend::expand_ca_url(all[i], names);
        if (!url) {
            faults.error(at, "'" + all[i] + "': " + url.error().detail, "see docs/ca-urls.md");
        } else if (!certs::GeneralName::make(certs::GeneralNameType::kUri, *url)) {
            faults.error(at, "'" + all[i] + "' is no URL", "give it as http://pki.example/ca.crl");
        } else {
            judge_scheme(*url, use, at, faults);
            into.push_back(all[i]);
        }
    }
}

std::optional<unsigned> read_index(ConfigReader& reader, const std::string& key) {
    if (reader.member(key) == nullptr) return std::nullopt;
    unsigned index = 0;
    reader.number(key, index, 0, kMaxIndex);
    return index;
}

/// Without brackets and port.
std::string host_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
    return std::string(url.substr(0, url.find(':')));
}

/// Of this machine alone, or of none.
bool is_for_itself(std::string_view host) {
    if (certs::equal_ignoring_ascii_case(host, "localhost")) return true;
    const auto address = parse_address(host);
    return address && (address->is_loopback() || address->is_unspecified());
}

bool serves_others(const HttpSettings& http) {
    const auto elsewhere = [](const ListenSettings& listener) {
        const auto at = parse_endpoint(listener.address);
        return at && !at->address().is_loopback();
    };
    const auto foreign = [](const AddressPrefix& proxies) {
        const bool loopback = proxies.octets.size() == 4
                                  ? proxies.octets[0] == 127 && proxies.bits >= 8
                                  : proxies.text == "::1" || proxies.text == "::1/128";
        return !loopback;
    };
    return std::any_of(http.listen.begin(), http.listen.end(), elsewhere) ||
           std::any_of(http.trusted_proxies.begin(), http.trusted_proxies.end(), foreign);
}

}  // namespace

void judge_ca_url_hosts(const Config& config, ConfigFaults& faults) {
    if (!serves_others(config.http)) return;
    for (const auto& [name, ca] : config.cas) {
        const std::pair<const char*, const std::vector<std::string>*> lists[] = {
            {"crl_urls", &ca.crl_urls},
            {"freshest_crl_urls", &ca.freshest_crl_urls},
            {"ocsp_urls", &ca.ocsp_urls},
            {"ca_issuers_urls", &ca.ca_issuers_urls}};
        for (const auto& [key, urls] : lists) {
            for (std::size_t i = 0; i < urls->size(); ++i) {
                const auto url = ca_backend::expand_ca_url((*urls)[i], sample_names(ca));
                if (!url || !is_for_itself(host_of(*url))) continue;
                faults.warn(ca.json_path + '.' + key + '[' + std::to_string(i) + ']',
                            "every certificate says '" + *url +
                                "', which leads whoever follows it to their own machine",
                            "before anything is issued, give the name under which devices and "
                            "verifiers reach this server: what is issued keeps the old one");
            }
        }
    }
}

void read_ca_urls(ConfigReader& reader, CaConfig& ca, ConfigFaults& faults) {
    reader.text("dns_name", ca.dns_name);
    if (!ca.dns_name.empty()) {
        if (const char* fault = certs::fault_in_host_name(ca.dns_name)) {
            faults.error(reader.path_of("dns_name"), "'" + ca.dns_name + "': " + fault,
                         "give the name that clients reach, such as pki.example");
        }
    }
    reader.text("config_dn", ca.config_dn);
    if (const auto name = certs::Name::from_text(ca.config_dn); !name) {
        faults.error(reader.path_of("config_dn"), name.error().detail,
                     "give it as CN=Configuration,DC=example,DC=com");
    }
    ca.certificate_index = read_index(reader, "certificate_index");
    ca.key_index = read_index(reader, "key_index");

    ca_backend::CaUrlNames names = sample_names(ca);
    read_urls(reader, "ca_issuers_urls", UrlUse::kRetrieval, names, ca.ca_issuers_urls, faults);
    read_urls(reader, "ocsp_urls", UrlUse::kOcsp, names, ca.ocsp_urls, faults);
    read_urls(reader, "crl_urls", UrlUse::kRetrieval, names, ca.crl_urls, faults);
    names.delta = true;
    read_urls(reader, "freshest_crl_urls", UrlUse::kRetrieval, names, ca.freshest_crl_urls, faults);
}

ca_backend::CaUrlNames ca_url_names(const CaConfig& ca, const certs::Certificate& certificate) {
    ca_backend::CaUrlNames names = sample_names(ca);
    names.ca_name.clear();
    if (const auto subject = certs::Name::from_der(certificate.subject_der())) {
        names.ca_name = subject->common_name();
    }
    const auto version = ca_backend::ca_version(certificate);
    names.certificate_index = ca.certificate_index.value_or(version.certificate_index);
    names.key_index = ca.key_index.value_or(version.key_index);
    return names;
}

std::vector<std::string> expand_ca_urls(const std::vector<std::string>& urls,
                                        const ca_backend::CaUrlNames& names,
                                        const std::string& path, ConfigFaults& faults) {
    std::vector<std::string> expanded;
    for (std::size_t i = 0; i < urls.size(); ++i) {
        auto url = ca_backend::expand_ca_url(urls[i], names);
        if (url) {
            expanded.push_back(*std::move(url));
        } else {
            faults.error(path + '[' + std::to_string(i) + ']',
                         "'" + urls[i] + "': " + url.error().detail);
        }
    }
    return expanded;
}

}  // namespace scepgate::server
