// Making peers' text harmless for logs (attacks.md M04: line breaks, ANSI escapes, bidi, length).
#pragma once

#include <string>
#include <string_view>

namespace scepgate::server {

/// Appends `text` as a JSON string with its quotes: ASCII out, everything else as \uXXXX (invalid
/// UTF-8 as U+FFFD), at most `limit` octets of input and then "…".
void append_json_string(std::string& out, std::string_view text, std::size_t limit = 1024);

/// For a terminal: line breaks, other control characters, characters that turn the direction of
/// writing and invalid UTF-8 as \uXXXX; all other text as it is.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace scepgate::server
