#include "certs/asn1_string.hpp"

#include <algorithm>
#include <optional>

namespace scepgate::certs {
namespace {

constexpr char32_t kLastCodePoint = 0x10FFFF;

bool is_surrogate(char32_t point) {
    return point >= 0xD800 && point <= 0xDFFF;
}

void append_utf8(std::string& out, char32_t point) {
    const auto put = [&out](char32_t octet) { out.push_back(static_cast<char>(octet)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0 | point >> 6U);
        put(0x80 | (point & 0x3FU));
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12U);
        put(0x80 | (point >> 6U & 0x3FU));
        put(0x80 | (point & 0x3FU));
    } else {
        put(0xF0 | point >> 18U);
        put(0x80 | (point >> 12U & 0x3FU));
        put(0x80 | (point >> 6U & 0x3FU));
        put(0x80 | (point & 0x3FU));
    }
}

/// Takes the first code point off `rest`. Empty on what RFC 3629 does not allow.
std::optional<char32_t> take_utf8(std::string_view& rest) {
    const auto octet = [&rest](std::size_t at) { return static_cast<unsigned char>(rest[at]); };
    const unsigned char first = octet(0);
    std::size_t length = 1;
    char32_t point = first;
    char32_t least = 0;
    if (first >= 0x80) {
        if (first >= 0xC0 && first < 0xE0) {
            length = 2;
            point = first & 0x1FU;
            least = 0x80;
        } else if (first >= 0xE0 && first < 0xF0) {
            length = 3;
            point = first & 0x0FU;
            least = 0x800;
        } else if (first >= 0xF0 && first < 0xF8) {
            length = 4;
            point = first & 0x07U;
            least = 0x10000;
        } else {
            return std::nullopt;
        }
    }
    if (rest.size() < length) return std::nullopt;
    for (std::size_t at = 1; at < length; ++at) {
        if ((octet(at) & 0xC0U) != 0x80U) return std::nullopt;
        point = point << 6U | (octet(at) & 0x3FU);
    }
    if (point < least || point > kLastCodePoint || is_surrogate(point)) return std::nullopt;
    rest.remove_prefix(length);
    return point;
}

bool is_valid_utf8(std::string_view text) {
    while (!text.empty()) {
        if (!take_utf8(text)) return false;
    }
    return true;
}

/// UCS-2 (2 octets a character, BMPString) or UCS-4 (4, UniversalString), big-endian.
Result<std::string> from_wide(ByteView content, std::size_t width) {
    if (content.size() % width != 0) {
        return malformed("a string of " + std::to_string(width) +
                         "-octet characters whose length does not fit");
    }
    std::string out;
    out.reserve(content.size());
    for (std::size_t at = 0; at < content.size(); at += width) {
        char32_t point = 0;
        for (std::size_t i = 0; i < width; ++i)
            point = point << 8U | content[at + i];
        // X.680 section 41: BMPString has no surrogates, not even pairs of them.
        if (point > kLastCodePoint || is_surrogate(point)) {
            return malformed("a string with a surrogate or what is no character");
        }
        append_utf8(out, point);
    }
    return out;
}

std::string from_latin1(ByteView content) {
    std::string out;
    out.reserve(content.size());
    for (const std::uint8_t octet : content)
        append_utf8(out, octet);
    return out;
}

/// Characters that a person does not see (all that Unicode calls Default_Ignorable_Code_Point among
/// them), or that change the order of those around them.
bool is_deceptive(char32_t point) {
    struct Range {
        char32_t first, last;
    };
    constexpr Range kRanges[] = {
        {0x0000, 0x001F},    // NUL and controls
        {0x007F, 0x009F},    // DEL and controls
        {0x00AD, 0x00AD},    // soft hyphen
        {0x034F, 0x034F},    // combining grapheme joiner
        {0x061C, 0x061C},    // Arabic letter mark
        {0x115F, 0x1160},    // Hangul fillers
        {0x17B4, 0x17B5},    // Khmer inherent vowels
        {0x180B, 0x180F},    // Mongolian variation selectors and vowel separator
        {0x200B, 0x200F},    // zero-width space, joiners, directional marks
        {0x2028, 0x202E},    // separators, embeddings and overrides
        {0x2060, 0x206F},    // word joiner, invisible operators, isolates
        {0x3164, 0x3164},    // Hangul filler
        {0xFDD0, 0xFDEF},    // noncharacters
        {0xFE00, 0xFE0F},    // variation selectors
        {0xFEFF, 0xFEFF},    // zero-width no-break space
        {0xFFA0, 0xFFA0},    // halfwidth Hangul filler
        {0xFFF0, 0xFFFB},    // unassigned ignorables, interlinear annotation
        {0x1BCA0, 0x1BCA3},  // shorthand format controls
        {0x1D173, 0x1D17A},  // musical format controls
        {0xE0000, 0xE0FFF},  // tags, variation selectors, unassigned ignorables
    };
    for (const Range& range : kRanges) {
        if (point >= range.first && point <= range.last) return true;
    }
    return (point & 0xFFFEU) == 0xFFFE;  // the last two of each plane are noncharacters
}

/// Unicode's Space_Separator, and the pattern of Braille that has no dot.
bool is_space(char32_t point) {
    return point == ' ' || point == 0x00A0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200A) || point == 0x202F || point == 0x205F ||
           point == 0x2800 || point == 0x3000;
}

std::string code_point_text(char32_t point) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string text = "U+";
    for (int shift = point > 0xFFFF ? 20 : 12; shift >= 0; shift -= 4)
        text += kDigits[point >> static_cast<unsigned>(shift) & 0xFU];
    return text;
}

}  // namespace

bool is_string(DerTag tag) noexcept {
    switch (tag) {
        case DerTag::kUtf8String:
        case DerTag::kNumericString:
        case DerTag::kPrintableString:
        case DerTag::kT61String:
        case DerTag::kIa5String:
        case DerTag::kVisibleString:
        case DerTag::kUniversalString:
        case DerTag::kBmpString:
            return true;
        default:
            return false;
    }
}

Result<std::string> to_utf8(DerTag encoding, ByteView content) {
    switch (encoding) {
        case DerTag::kUtf8String:
            if (!is_valid_utf8(as_text(content))) return malformed("UTF8String that is not UTF-8");
            return std::string(as_text(content));
        // Clients write characters outside of their alphabets ('@', '_', '*') into these, which
        // harms nobody; octets that are not ASCII have no meaning there.
        case DerTag::kNumericString:
        case DerTag::kPrintableString:
        case DerTag::kIa5String:
        case DerTag::kVisibleString:
            if (!is_ascii(as_text(content))) {
                return malformed("octets over 7F in a string of an ASCII type");
            }
            return std::string(as_text(content));
        case DerTag::kT61String:
            return from_latin1(content);
        case DerTag::kBmpString:
            return from_wide(content, 2);
        case DerTag::kUniversalString:
            return from_wide(content, 4);
        default:
            return malformed("a value that is not a character string");
    }
}

Result<void> check_readable(std::string_view utf8) {
    const auto plain = [](char c) { return c >= ' ' && c <= '~'; };
    for (;;) {
        const auto odd = std::find_if_not(utf8.begin(), utf8.end(), plain);
        utf8.remove_prefix(static_cast<std::size_t>(odd - utf8.begin()));
        if (utf8.empty()) return {};
        const auto point = take_utf8(utf8);
        if (!point) return malformed("text that is not UTF-8");
        if (is_deceptive(*point)) {
            return malformed("the character " + code_point_text(*point) +
                             ", which hides or reorders text, is refused");
        }
    }
}

bool is_blank(std::string_view utf8) noexcept {
    while (!utf8.empty()) {
        const auto point = take_utf8(utf8);
        if (!point || !is_space(*point)) return false;
    }
    return true;
}

std::size_t count_characters(std::string_view utf8) noexcept {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char octet) {
        return (static_cast<unsigned char>(octet) & 0xC0U) != 0x80U;
    }));
}

bool fits_printable_string(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               (c != '\0' && std::string_view(" '()+,-./:=?").find(c) != std::string_view::npos);
    });
}

Bytes encode_text(std::string_view utf8) {
    return fits_printable_string(utf8) ? der::printable_string(utf8) : der::utf8_string(utf8);
}

bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char ascii_lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool equal_ignoring_ascii_case(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return ascii_lower(a) == ascii_lower(b); });
}

}  // namespace scepgate::certs
