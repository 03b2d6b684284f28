// Whether a request was started by a page of somebody else, in the browser of a caller.
#pragma once

#include "server/http_message.hpp"

namespace scepgate::server::admin {

/// A browser adds stored Basic credentials and client certificates to whatever any page asks for.
/// It tells so by Sec-Fetch-Site, Origin and Referer; programs send none of them. "" when nothing
/// speaks against the request, else which field does.
[[nodiscard]] std::string_view cross_site_evidence(const HttpDetails& details);

}  // namespace scepgate::server::admin
