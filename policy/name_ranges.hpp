// Ranges of names: domains, networks, and URIs under a prefix. What cannot be read with certainty
// is in no range.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "certs/bytes.hpp"

namespace scepgate::policy {

/// Host names of a domain, compared by labels and without case.
class DomainRange {
public:
    enum class Below { kIncluded, kOnlyWithDot };

    /// "example.com": the name itself and, with Below::kIncluded, all below it. ".example.com": all
    /// below it, not the name itself. kConfig when it is no host name (wildcards, a trailing dot,
    /// characters outside of LDH: international names are written as xn--…).
    static Result<DomainRange> parse(std::string_view text, Below below);

    /// A host name as GeneralName::make() takes it; "*.example.com" lies below example.com.
    [[nodiscard]] bool contains(std::string_view host) const;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    std::string domain_;  ///< without the leading dot
    bool itself_ = true;
    bool below_ = true;
};

/// The domain of "user@domain"; empty unless there is exactly one '@' with something before it, and
/// a host name behind it.
[[nodiscard]] std::optional<std::string_view> domain_of_account(std::string_view account);

/// A network of addresses.
class IpRange {
public:
    /// "192.0.2.0/24", "2001:db8::/32", or one address. kConfig: neither, or host bits are set.
    static Result<IpRange> parse(std::string_view text);

    /// An IPv4-mapped IPv6 address (::ffff:192.0.2.1) is judged as the IPv4 address it means, and
    /// lies in no IPv6 network.
    [[nodiscard]] bool contains(std::string_view address) const;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    Bytes network_;  ///< 4 or 16 octets
    std::size_t bits_ = 0;
};

/// URIs under a prefix, compared by their parts (RFC 3986).
class UriRange {
public:
    /// Either with an authority, "https://host[:port][/path]", or without, "urn:example:device:".
    /// kConfig: neither; user information, a query, a fragment, or a path with dot segments or
    /// percent-encoding.
    static Result<UriRange> parse(std::string_view text);

    /// With an authority: the same scheme and host without case, the same port (the scheme's own
    /// when there is none), no user information, and a path that is the prefix' or below it by
    /// whole segments; not one with dot segments, backslashes, or an encoded slash, dot, backslash
    /// or NUL. Without: the scheme without case, then the prefix to the octet, up to a delimiter.
    [[nodiscard]] bool contains(std::string_view uri) const;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    std::string scheme_;               ///< lower case
    std::optional<std::string> host_;  ///< canonical; empty: no authority
    int port_ = 0;                     ///< 0: none, and the scheme has none of its own
    std::string path_;                 ///< or what follows the scheme
};

}  // namespace scepgate::policy
