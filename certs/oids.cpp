#include "certs/oids.hpp"

#include <charconv>
#include <limits>
#include <optional>

namespace scepgate::certs {
namespace {

// Wide enough for the arcs made of UUIDs (2.25.x, X.667).
using Arc = unsigned __int128;
constexpr Arc kMaxArc = std::numeric_limits<Arc>::max();
constexpr std::size_t kLongestText = 128;

// X.690 8.19.4: the first subidentifier is 40 * arc1 + arc2, and arc2 < 40 below arc1 = 2.
constexpr unsigned kSecondArcs = 40;

std::optional<Arc> arc_from_text(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    Arc arc = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') return std::nullopt;
        const unsigned value = static_cast<unsigned>(digit - '0');
        if (arc > (kMaxArc - value) / 10) return std::nullopt;
        arc = arc * 10 + value;
    }
    return arc;
}

void append_arc(std::string& text, Arc arc) {
    const std::size_t start = text.size();
    do {
        text += static_cast<char>('0' + static_cast<int>(arc % 10));
        arc /= 10;
    } while (arc != 0);
    std::reverse(text.begin() + static_cast<std::ptrdiff_t>(start), text.end());
}

/// Base 128, most significant group first, bit 8 on all but the last octet.
void append_subidentifier(Bytes& content, Arc arc) {
    Bytes groups{static_cast<std::uint8_t>(arc & 0x7FU)};
    while ((arc >>= 7U) != 0) {
        groups.insert(groups.begin(), static_cast<std::uint8_t>((arc & 0x7FU) | 0x80U));
    }
    content.insert(content.end(), groups.begin(), groups.end());
}

}  // namespace

bool is_oid(ByteView content) noexcept {
    if (content.empty() || (content.back() & 0x80U) != 0) return false;
    bool starts = true;
    for (const std::uint8_t octet : content) {
        // X.690 8.19.2: no leading zero groups.
        if (starts && octet == 0x80) return false;
        starts = (octet & 0x80U) == 0;
    }
    return true;
}

Result<Bytes> oid_from_text(std::string_view dotted) {
    const auto not_an_oid = [&dotted] {
        std::string detail = "not an object identifier like 1.2.840.113549: ";
        return malformed(detail.append(dotted.substr(0, kLongestText)));
    };
    Bytes content;
    Arc first = 0;
    std::size_t count = 0;
    for (std::size_t at = 0; at <= dotted.size(); ++count) {
        const std::size_t dot = std::min(dotted.find('.', at), dotted.size());
        const auto arc = arc_from_text(dotted.substr(at, dot - at));
        if (!arc) return not_an_oid();
        if (count == 0) {
            if (*arc > 2) return not_an_oid();
            first = *arc;
        } else if (count == 1) {
            if (first < 2 && *arc >= kSecondArcs) return not_an_oid();
            if (*arc > kMaxArc - 2 * kSecondArcs) return not_an_oid();
            append_subidentifier(content, first * kSecondArcs + *arc);
        } else {
            append_subidentifier(content, *arc);
        }
        at = dot + 1;
    }
    if (count < 2) return not_an_oid();
    return content;
}

std::string oid_to_text(ByteView content) {
    if (!is_oid(content)) return "(not an OID)";
    const auto cut = [](std::string text) {
        if (text.size() > kLongestText - 3) text.resize(kLongestText - 3);
        return std::move(text.append("..."));
    };
    std::string text;
    Arc arc = 0;
    for (const std::uint8_t octet : content) {
        if (arc > kMaxArc >> 7U) return cut(std::move(text));
        arc = arc << 7U | (octet & 0x7FU);
        if ((octet & 0x80U) != 0) continue;
        if (text.empty()) {
            const Arc first = std::min<Arc>(arc / kSecondArcs, 2);
            append_arc(text, first);
            arc -= first * kSecondArcs;
        }
        text += '.';
        append_arc(text, arc);
        if (text.size() > kLongestText) return cut(std::move(text));
        arc = 0;
    }
    return text;
}

}  // namespace scepgate::certs
