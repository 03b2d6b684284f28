// Dates in HTTP header fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace scepgate::server {

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). `time`: seconds since the epoch.
[[nodiscard]] std::string http_date(std::int64_t time);

/// Whether `text` is this time, in any of the three forms that HTTP knows, octet by octet.
[[nodiscard]] bool is_http_date(std::string_view text, std::int64_t time);

/// The Date of replies (RFC 9110 section 6.6.1), written anew once a second. For one thread.
class DateField {
public:
    /// "Date: …" and CRLF, for `time` in seconds since the epoch; until the next call.
    std::string_view at(std::int64_t time);
    std::string_view now();

private:
    std::int64_t time_ = -1;
    std::string line_;
};

}  // namespace scepgate::server
