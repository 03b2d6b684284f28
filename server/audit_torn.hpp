// What a power failure leaves in an audit file.
#pragma once

#include <string_view>

namespace scepgate::server {

/// Octets of a line did not reach the disk, although later ones did. No program writes such lines.
[[nodiscard]] inline bool has_zero_octets(std::string_view line) noexcept {
    return line.find('\0') != std::string_view::npos;
}

}  // namespace scepgate::server
