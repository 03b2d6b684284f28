#include "policy/name_ranges.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include "certs/asn1_string.hpp"
#include "certs/host_name.hpp"
#include "policy/uri_parts.hpp"

namespace scepgate::policy {
namespace {

using certs::equal_ignoring_ascii_case;

Error fault(std::string_view text, std::string why) {
    return {Errc::kConfig, "'" + std::string(text) + "' " + std::move(why)};
}

/// 4 or 16 octets; an IPv4-mapped IPv6 address gives 4. Empty when it is no address.
Bytes octets_of(std::string_view text) {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    const std::string terminated(text);
    if (terminated.find('\0') != std::string::npos) return {};
    Bytes octets(16);
    if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1) {
        if (std::equal(kMapped.begin(), kMapped.end(), octets.begin())) {
            octets.erase(octets.begin(), octets.begin() + kMapped.size());
        }
        return octets;
    }
    octets.resize(4);
    if (inet_pton(AF_INET, terminated.c_str(), octets.data()) == 1) return octets;
    return {};
}

/// The octet with all but its first `bits` set to zero.
std::uint8_t leading(std::uint8_t octet, std::size_t bits) {
    return static_cast<std::uint8_t>(octet & (0xFF00U >> bits));
}

bool same_network(const Bytes& left, const Bytes& right, std::size_t bits) {
    const std::size_t whole = bits / 8;
    if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(whole),
                    right.begin())) {
        return false;
    }
    return bits % 8 == 0 || leading(left[whole], bits % 8) == leading(right[whole], bits % 8);
}

/// Where a part of a URI without authority ends.
bool is_delimiter(char c) {
    return std::string_view(":/;,=@").find(c) != std::string_view::npos;
}

}  // namespace

Result<DomainRange> DomainRange::parse(std::string_view text, Below below) {
    DomainRange range;
    range.text_ = text;
    range.itself_ = !text.starts_with('.');
    range.below_ = !range.itself_ || below == Below::kIncluded;
    range.domain_ = range.itself_ ? text : text.substr(1);
    if (const char* why = certs::fault_in_host_name(range.domain_)) {
        return fault(text, std::string("is no domain: ") + why);
    }
    return range;
}

bool DomainRange::contains(std::string_view host) const {
    const std::string_view name = host.starts_with("*.") ? host.substr(2) : host;
    if (certs::fault_in_host_name(name) != nullptr) return false;
    if (host.size() == domain_.size()) {
        return itself_ && equal_ignoring_ascii_case(host, domain_);
    }
    if (!below_ || host.size() < domain_.size() + 2) return false;
    const std::size_t start = host.size() - domain_.size();
    return host[start - 1] == '.' && equal_ignoring_ascii_case(host.substr(start), domain_);
}

std::optional<std::string_view> domain_of_account(std::string_view account) {
    const std::size_t at = account.find('@');
    if (at == std::string_view::npos || at == 0) return std::nullopt;
    const std::string_view domain = account.substr(at + 1);
    if (certs::fault_in_host_name(domain) != nullptr) return std::nullopt;  // a second '@' is one
    return domain;
}

Result<IpRange> IpRange::parse(std::string_view text) {
    IpRange range;
    range.text_ = text;
    const std::size_t slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    range.network_ = octets_of(address);
    if (range.network_.empty()) return fault(text, "is no address or network");
    if (range.network_.size() == 4 && address.find(':') != std::string_view::npos) {
        return fault(text, "is IPv4 in the dress of IPv6: write it as IPv4");
    }
    const std::size_t most = range.network_.size() * 8;
    range.bits_ = most;
    if (slash == std::string_view::npos) return range;
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), range.bits_);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
        range.bits_ > most) {
        return fault(text, "has no prefix length from 0 to " + std::to_string(most));
    }
    for (std::size_t at = 0; at < range.network_.size(); ++at) {
        const std::size_t bits =
            std::min<std::size_t>(range.bits_ - std::min(range.bits_, at * 8), 8);
        if (leading(range.network_[at], bits) != range.network_[at]) {
            return fault(text, "has bits set behind its prefix");
        }
    }
    return range;
}

bool IpRange::contains(std::string_view address) const {
    const Bytes octets = octets_of(address);
    return octets.size() == network_.size() && same_network(octets, network_, bits_);
}

Result<UriRange> UriRange::parse(std::string_view text) {
    const auto parts = split_uri(text);
    if (!parts) return fault(text, "is no prefix of URIs: " + parts.error().detail);
    if (!parts->rest.empty()) return fault(text, "has a query or a fragment");
    if (parts->path.find('%') != std::string_view::npos) {
        return fault(text, "has percent-encoding, which can be spelled in more than one way");
    }
    UriRange range;
    range.text_ = text;
    range.scheme_ = parts->scheme;
    range.host_ = parts->host;
    range.port_ = parts->port;
    range.path_ = parts->path;
    if (!range.host_ && range.path_.empty()) return fault(text, "has nothing behind its scheme");
    return range;
}

bool UriRange::contains(std::string_view uri) const {
    const auto parts = split_uri(uri);
    if (!parts || parts->scheme != scheme_ || parts->host != host_ || parts->port != port_) {
        return false;
    }
    const std::string_view path = parts->path;
    if (path_.empty()) return true;  // a whole host
    if (!path.starts_with(path_)) return host_ && path_ == "/" && path.empty();
    if (path.size() == path_.size()) return true;
    const char last = path_.back();
    const char next = path[path_.size()];
    if (host_) return last == '/' || next == '/';
    return is_delimiter(last) || is_delimiter(next);
}

}  // namespace scepgate::policy
