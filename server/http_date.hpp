// Dates in HTTP header fields.
#pragma once

#include <cstdint>
#include <string>

namespace scepgate::server {

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). `time`: seconds since the epoch.
[[nodiscard]] std::string http_date(std::int64_t time);

}  // namespace scepgate::server
