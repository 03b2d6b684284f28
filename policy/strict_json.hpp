// JSON from outside, read without leniency (RFC 8259; attacks.md C10).
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "certs/result.hpp"

namespace scepgate::policy {

/// Nesting of objects and arrays that is still read.
inline constexpr std::size_t kMaxJsonDepth = 8;

/// A named type: nlohmann::json converts from nearly everything, an Error included.
struct JsonDocument {
    nlohmann::json root;
};

/// Exactly one JSON value in UTF-8. kMalformed: a byte order mark, comments, octets after the
/// value, NaN, numbers beyond a double, invalid UTF-8, a member name that comes twice in an object
/// at any depth, nesting over kMaxJsonDepth. Memory use is bounded by the input's size.
[[nodiscard]] Result<JsonDocument> parse_strict_json(std::string_view text);

}  // namespace scepgate::policy
