#include "bench/url.hpp"

#include <fmt/format.h>

namespace scepgate::bench {
namespace {

std::string with_operation(const Url& url, std::string_view operation) {
    const char separator = url.target.find('?') == std::string::npos ? '?' : '&';
    return fmt::format("{}{}operation={}", url.target, separator, operation);
}

/// What a query may hold as it stands (RFC 3986) is kept; of base64 that leaves out + / =.
std::string percent_encoded(std::string_view text) {
    std::string encoded;
    encoded.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            encoded += c;
        } else {
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
    constexpr std::string_view kScheme = "http://";
    if (text.starts_with("https://"))
        return unsupported("https is not measured; give the http URL");
    if (!text.starts_with(kScheme)) return malformed("a URL must begin with http://");
    text.remove_prefix(kScheme.size());
    Url url;
    const std::size_t path = text.find_first_of("/?");
    std::string_view authority = text.substr(0, path);
    if (path != std::string_view::npos) {
        url.target = text.substr(path);
        if (url.target.front() == '?') url.target.insert(0, "/");
    }
    // An IPv6 address stands in brackets, and its colons are not the port's.
    const std::size_t bracket = authority.find(']');
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        url.port = authority.substr(colon + 1);
        authority = authority.substr(0, colon);
    }
    url.host = authority;
    if (url.host.empty() || url.port.empty()) return malformed("a URL without host or port");
    return url;
}

std::string Url::authority() const {
    return port == "80" ? host : host + ":" + port;
}

std::string get_request(const Url& url, std::string_view operation, std::string_view message) {
    std::string target = with_operation(url, operation);
    if (!message.empty()) target += "&message=" + percent_encoded(message);
    return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target, url.authority());
}

std::string pki_operation_post(const Url& url, ByteView message) {
    std::string request = fmt::format(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: "
        "application/x-pki-message\r\nContent-Length: {}\r\n\r\n",
        with_operation(url, "PKIOperation"), url.authority(), message.size());
    request.append(as_text(message));
    return request;
}

std::string pki_operation_get(const Url& url, ByteView message) {
    return get_request(url, "PKIOperation", to_base64(message));
}

}  // namespace scepgate::bench
