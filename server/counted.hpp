// Numbers of things, in words for people.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace scepgate::server {

/// "1 certificate", "2 certificates".
template <std::integral Number>
[[nodiscard]] std::string counted(Number number, std::string_view what) {
    return std::to_string(number) + ' ' + std::string(what) + (number == 1 ? "" : "s");
}

}  // namespace scepgate::server
