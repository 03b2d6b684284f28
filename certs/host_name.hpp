// Host names as they may stand in certificates.
#pragma once

#include <cstddef>
#include <string_view>

namespace scepgate::certs {

inline constexpr std::size_t kMaxHostName = 253;  ///< RFC 1035, in text without the last dot

[[nodiscard]] bool is_letter(char c) noexcept;           ///< ASCII
[[nodiscard]] bool is_letter_or_digit(char c) noexcept;  ///< ASCII

/// What is wrong with `name` as a host name in LDH labels (RFC 5890), for people; nullptr when
/// nothing is. No trailing dot, no wildcard, no IPv4 address.
[[nodiscard]] const char* fault_in_host_name(std::string_view name);

}  // namespace scepgate::certs
