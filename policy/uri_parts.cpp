#include "policy/uri_parts.hpp"

#include <algorithm>
#include <charconv>

#include "certs/general_name.hpp"
#include "certs/host_name.hpp"

namespace scepgate::policy {
namespace {

using certs::GeneralName;
using certs::GeneralNameType;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

int own_port(std::string_view scheme) {
    constexpr struct {
        std::string_view scheme;
        int port;
    } kPorts[] = {{"http", 80}, {"https", 443}, {"ws", 80},     {"wss", 443},
                  {"ftp", 21},  {"ldap", 389},  {"ldaps", 636}, {"ssh", 22}};
    for (const auto& known : kPorts) {
        if (known.scheme == scheme) return known.port;
    }
    return 0;
}

Result<std::string> canonical_host(std::string_view host) {
    if (host.empty()) return malformed("URI: it has no host");
    if (host.front() == '[') {
        if (host.back() != ']' || host.find(':') == std::string_view::npos) {
            return malformed("URI: '[' is for an IPv6 address");
        }
        const auto address =
            GeneralName::make(GeneralNameType::kIp, host.substr(1, host.size() - 2));
        if (!address) return malformed("URI: its host is no IPv6 address");
        return '[' + address->value + ']';
    }
    if (const auto address = GeneralName::make(GeneralNameType::kIp, host)) return address->value;
    if (const char* fault = certs::fault_in_host_name(host)) {
        return malformed(std::string("URI: ") + fault);
    }
    // "127.1" and "0x7f.0.0.1" are addresses to many readers (WHATWG URL, section 3.5).
    const std::string_view last = host.substr(host.rfind('.') + 1);
    if (last.find_first_not_of("0123456789") == std::string_view::npos || last.starts_with("0x") ||
        last.starts_with("0X")) {
        return malformed("URI: its host ends in a number and is no IPv4 address");
    }
    return lower(host);
}

//   authority = [ userinfo "@" ] host [ ":" port ]
Result<void> read_authority(std::string_view authority, UriParts& parts) {
    if (authority.find('@') != std::string_view::npos) {
        return malformed("URI: it has user information");
    }
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon =
        authority.find(':', bracket == std::string_view::npos ? 0 : bracket + 1);
    auto host = canonical_host(authority.substr(0, colon));
    if (!host) return host.error();
    parts.host = std::move(*host);
    parts.port = own_port(parts.scheme);
    if (colon == std::string_view::npos) return {};
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
    const bool plain = !digits.empty() && digits.front() >= '1' && digits.front() <= '9';
    if (!plain || error != std::errc() || end != digits.data() + digits.size() ||
        parts.port > 65535) {
        return malformed("URI: its port is no number from 1 to 65535");
    }
    return {};
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Result<void> check_path(std::string_view path) {
    for (std::size_t at = 0; at < path.size(); ++at) {
        if (path[at] == '\\') return malformed("URI: its path has a backslash");
        if (path[at] != '%') continue;
        const int high = at + 2 < path.size() ? hex_digit(path[at + 1]) : -1;
        const int low = at + 2 < path.size() ? hex_digit(path[at + 2]) : -1;
        if (high < 0 || low < 0) return malformed("URI: a '%' without two hexadecimal digits");
        const int octet = high * 16 + low;
        if (octet == '/' || octet == '\\' || octet == '.' || octet == '%' || octet < ' ' ||
            octet == 0x7F) {
            return malformed("URI: its path hides a delimiter by percent-encoding");
        }
    }
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::string_view segment = path.substr(at, slash - at);
        if (segment == "." || segment == "..") return malformed("URI: its path has dot segments");
        at = slash + 1;
    }
    return {};
}

}  // namespace

Result<UriParts> split_uri(std::string_view uri) {
    if (const auto sound = GeneralName::make(GeneralNameType::kUri, uri); !sound) {
        return sound.error();
    }
    UriParts parts;
    const std::size_t colon = uri.find(':');
    parts.scheme = lower(uri.substr(0, colon));
    std::string_view rest = uri.substr(colon + 1);
    if (rest.starts_with("//")) {
        rest.remove_prefix(2);
        const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
        if (const auto read = read_authority(rest.substr(0, end), parts); !read) {
            return read.error();
        }
        rest.remove_prefix(end);
    }
    const std::size_t end = std::min(rest.find_first_of("?#"), rest.size());
    parts.path = rest.substr(0, end);
    parts.rest = rest.substr(end);
    if (const auto sound = check_path(parts.path); !sound) return sound.error();
    return parts;
}

}  // namespace scepgate::policy
