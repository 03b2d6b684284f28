// Numbers of things, in words for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace scepgate::server {

/// "1 certificate", "2 certificates".
[[nodiscard]] inline std::string counted(std::uint64_t number, std::string_view what) {
    return std::to_string(number) + ' ' + std::string(what) + (number == 1 ? "" : "s");
}

}  // namespace scepgate::server
