// Bytes and their text forms.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "certs/result.hpp"

namespace scepgate {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// A SHA-256 value, 32 bytes.
using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] inline Bytes to_bytes(ByteView view) {
    return {view.begin(), view.end()};
}

[[nodiscard]] inline bool equal(ByteView left, ByteView right) noexcept {
    return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin());
}

/// The value of one hexadecimal digit of either case.
[[nodiscard]] std::optional<unsigned> hex_digit(char digit) noexcept;

/// Lower-case hexadecimal, two digits a byte, no separators.
[[nodiscard]] std::string to_hex(ByteView bytes);

/// Reads hexadecimal of either case; an odd length or another character is kMalformed.
[[nodiscard]] Result<Bytes> from_hex(std::string_view text);

/// RFC 4648 section 4, with padding, on one line.
[[nodiscard]] std::string to_base64(ByteView bytes);

/// Strict RFC 4648 section 4: standard alphabet, exact padding, zero spare bits, no white space.
/// (What SCEP clients do to base64 in a query is mended in scep/query.hpp, not here.)
[[nodiscard]] Result<Bytes> from_base64(std::string_view text);

[[nodiscard]] Sha256 sha256(ByteView bytes);

/// Random bytes from OpenSSL's private generator; throws std::runtime_error when there is none
/// (a process without randomness must not go on).
void fill_random(std::span<std::uint8_t> out);
[[nodiscard]] Bytes random_bytes(std::size_t count);

}  // namespace scepgate
