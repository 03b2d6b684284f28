// Which URLs the server calls.
#pragma once

#include <string>

#include "certs/result.hpp"

namespace scepgate::server {

/// "host" or "host:port" of the URL, for error texts. kConfig, with how to mend it, for one that is
/// not https:// (nor http:// where that is allowed), names no host, has a user or password in it, a
/// fragment, or octets that no URL has.
[[nodiscard]] Result<std::string> check_outbound_url(const std::string& url, bool allow_http);

}  // namespace scepgate::server
