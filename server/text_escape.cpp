#include "server/text_escape.hpp"

#include <array>
#include <cstdint>

namespace scepgate::server {
namespace {

void append_unit(std::string& out, std::uint32_t unit) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
        out += kHex[(unit >> shift) & 0xF];
}

void append_code_point(std::string& out, std::uint32_t point) {
    if (point >= 0x10000) {
        append_unit(out, 0xD800 + ((point - 0x10000) >> 10));
        append_unit(out, 0xDC00 + ((point - 0x10000) & 0x3FF));
    } else {
        append_unit(out, point);
    }
}

/// Decodes one code point at `i` and moves past it; U+FFFD for an invalid octet.
std::uint32_t next_code_point(std::string_view text, std::size_t& i) {
    const auto first = static_cast<std::uint8_t>(text[i++]);
    const unsigned more = first >= 0xF0 && first < 0xF5 ? 3
                          : first >= 0xE0               ? 2
                          : first >= 0xC2               ? 1
                                                        : 0;
    if (more == 0 || first >= 0xF5 || i + more > text.size()) return 0xFFFD;
    std::uint32_t point = first & (0x3FU >> more);
    for (unsigned k = 0; k < more; ++k) {
        const auto octet = static_cast<std::uint8_t>(text[i + k]);
        if ((octet & 0xC0) != 0x80) return 0xFFFD;
        point = (point << 6) | (octet & 0x3F);
    }
    constexpr std::array<std::uint32_t, 4> kLeast{0, 0x80, 0x800, 0x10000};
    if (point < kLeast[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return 0xFFFD;
    i += more;
    return point;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text, std::size_t limit) {
    const bool cut = text.size() > limit;
    text = text.substr(0, limit);
    out += '"';
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
            ++i;
        } else if (c >= 0x20 && c < 0x7F) {
            out += c;
            ++i;
        } else if (static_cast<std::uint8_t>(c) < 0x80) {
            append_unit(out, static_cast<std::uint8_t>(c));
            ++i;
        } else {
            append_code_point(out, next_code_point(text, i));
        }
    }
    if (cut) out += "...";
    out += '"';
}

}  // namespace scepgate::server
