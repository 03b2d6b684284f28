// The configuration's text as JSON, stricter than the library reads it.
#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "server/config.hpp"

namespace scepgate::server {

/// Comments are allowed. Nothing after a fault: no text, not JSON, anything behind the value, NUL
/// octets (each is reported with `source`, the file's name, line and column), a key that stands
/// twice in one object, a number that no double holds (reported with their path).
[[nodiscard]] std::optional<nlohmann::ordered_json> parse_config_json(std::string_view text,
                                                                      std::string_view source,
                                                                      ConfigFaults& faults);

}  // namespace scepgate::server
