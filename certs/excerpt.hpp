// The beginning of a text that a stranger may have written at any length.
#pragma once

#include <cstddef>
#include <string>

namespace scepgate {

/// At most so many octets of it, cut where a character of UTF-8 ends; "…" stands for the rest.
[[nodiscard]] std::string excerpt(std::string text, std::size_t most);

}  // namespace scepgate
