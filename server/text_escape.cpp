#include "server/text_escape.hpp"

#include <algorithm>
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

bool steers_a_terminal(std::uint32_t point) {
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x061C ||
           (point >= 0x200E && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF || point == 0xFFFD;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text, std::size_t limit) {
    const bool cut = text.size() > limit;
    text = text.substr(0, limit);
    out += '"';
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
    for (std::size_t i = 0; i < text.size();) {
        const auto from = text.begin() + static_cast<std::ptrdiff_t>(i);
        const auto odd = std::find_if_not(from, text.end(), plain);
        out.append(from, odd);
        i += static_cast<std::size_t>(odd - from);
        if (i == text.size()) break;
        const char c = text[i];
        if (c == '"' || c == '\\') {
            out += '\\';
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

std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t start = i;
        const std::uint32_t point = static_cast<std::uint8_t>(text[i]) < 0x80
                                        ? static_cast<std::uint8_t>(text[i++])
                                        : next_code_point(text, i);
        if (steers_a_terminal(point)) {
            append_code_point(out, point);
        } else {
            out += text.substr(start, i - start);
        }
    }
    return out;
}

}  // namespace scepgate::server
