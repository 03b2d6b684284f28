// The parts of a URI as far as they decide where it leads (RFC 3986 section 3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "certs/result.hpp"

namespace scepgate::policy {

struct UriParts {
    std::string scheme;               ///< lower case
    std::optional<std::string> host;  ///< lower case, or "[…]" in its canonical form; empty: no
                                      ///< authority
    int port = 0;  ///< the scheme's own when it names none; 0: it has none either
    /// What follows scheme and authority, up to a query or fragment, as it was sent.
    std::string_view path;
    std::string_view rest;  ///< the query and the fragment, with their delimiters

    friend bool operator==(const UriParts&, const UriParts&) = default;
};

/// Strict, so that no reader sees another host or path in it: user information, an empty or encoded
/// host, a host that is neither a name in LDH labels nor an address, a port that is none, dot
/// segments, backslashes, and encoded slashes, dots, backslashes and control characters in the path
/// are kMalformed. `uri` has to outlive the parts.
[[nodiscard]] Result<UriParts> split_uri(std::string_view uri);

}  // namespace scepgate::policy
