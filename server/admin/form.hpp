// URL-encoded names and values (application/x-www-form-urlencoded), read strictly.
#pragma once

#include <utility>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::server::admin {

using Form = std::vector<std::pair<std::string, std::string>>;

/// "a=1&b=x%20y+z": at most 64 pairs, in order. kMalformed: more of them, a broken "%", a name
/// without "=", text that is not UTF-8 or has characters that nobody sees. Says where, never the
/// text.
[[nodiscard]] Result<Form> parse_form(std::string_view text);

/// One segment of a path: "%" followed by two hexadecimal digits; "+" stays.
[[nodiscard]] Result<std::string> decode_segment(std::string_view text);

}  // namespace scepgate::server::admin
