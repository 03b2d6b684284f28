#include "certs/requested_validity.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "certs/asn1_string.hpp"
#include "certs/calendar.hpp"
#include "certs/der.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kMaxText = 256;  // octets
constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kMaxUnits = 100'000;
constexpr std::int64_t kMaxSeconds = 100 * 366 * kDay;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        c = ascii_lower(c);
    return out;
}

std::string text_of(const NameValuePairs& pairs, const char* name) {
    const auto found = pairs.find(name);
    return found == pairs.end() ? std::string() : found->second;
}

/// Plain digits.
std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || value < 0) return std::nullopt;
    return value;
}

std::optional<std::int64_t> unit_seconds(const std::string& unit) {
    struct Unit {
        std::string_view name;
        std::int64_t seconds;
    };
    constexpr std::array<Unit, 7> kUnits{{{"seconds", 1},
                                          {"minutes", 60},
                                          {"hours", 3600},
                                          {"days", kDay},
                                          {"weeks", 7 * kDay},
                                          {"months", 30 * kDay},
                                          {"years", 365 * kDay}}};
    for (const Unit& one : kUnits) {
        if (unit == one.name) return one.seconds;
    }
    return std::nullopt;
}

/// RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". The day of the week says nothing new.
std::optional<std::int64_t> http_date(const std::string& text) {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    constexpr std::size_t kLength = 29;
    if (text.size() != kLength || text.compare(3, 2, ", ") != 0 || text[7] != ' ' ||
        text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':' ||
        text.compare(25, 4, " GMT") != 0) {
        return std::nullopt;
    }
    const std::string_view view = text;
    const auto month = kMonths.find(view.substr(8, 3));
    const auto day = number(view.substr(5, 2));
    const auto year = number(view.substr(12, 4));
    const auto hour = number(view.substr(17, 2));
    const auto minute = number(view.substr(20, 2));
    const auto second = number(view.substr(23, 2));
    if (month == std::string_view::npos || month % 3 != 0 || !day || !year || !hour || !minute ||
        !second) {
        return std::nullopt;
    }
    return from_calendar({.year = static_cast<int>(*year),
                          .month = static_cast<unsigned>(month / 3 + 1),
                          .day = static_cast<unsigned>(*day),
                          .hour = static_cast<unsigned>(*hour),
                          .minute = static_cast<unsigned>(*minute),
                          .second = static_cast<unsigned>(*second)});
}

}  // namespace

Result<void> read_name_value_pair(ByteView der, NameValuePairs& pairs) {
    DerReader outer(der);
    const auto body = outer.read(DerTag::kSequence);
    if (!body) return body.error();
    if (const auto end = outer.finish("name-value pair"); !end) return end.error();
    DerReader fields(*body);
    std::array<std::string, 2> texts;
    for (std::string& text : texts) {
        const auto field = fields.read(DerTag::kBmpString);
        if (!field) return field.error();
        auto utf8 = to_utf8(DerTag::kBmpString, *field);
        if (!utf8) return utf8.error();
        if (utf8->size() > kMaxText) return malformed("a name-value pair with a long text");
        text = *std::move(utf8);
    }
    if (const auto end = fields.finish("name-value pair"); !end) return end.error();
    pairs.emplace(lower(texts[0]), std::move(texts[1]));
    return {};
}

std::optional<RequestedValidity> requested_validity(const NameValuePairs& pairs) {
    const std::string period = lower(text_of(pairs, "validityperiod"));
    const std::string units = text_of(pairs, "validityperiodunits");
    const std::string end = text_of(pairs, "expirationdate");
    const bool has_period = !period.empty() || !units.empty();
    if (has_period == !end.empty()) return std::nullopt;
    if (has_period) {
        const auto seconds = unit_seconds(period);
        const auto count = number(units);
        if (!seconds || !count || *count == 0 || *count > kMaxUnits) return std::nullopt;
        return RequestedValidity{.seconds = std::min(*seconds * *count, kMaxSeconds)};
    }
    const auto time = http_date(end);
    if (!time || *time <= 0) return std::nullopt;
    return RequestedValidity{.not_after = *time};
}

}  // namespace scepgate::certs
