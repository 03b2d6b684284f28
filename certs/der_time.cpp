#include <stdexcept>

#include "certs/calendar.hpp"
#include "certs/der.hpp"

namespace scepgate::certs {
namespace {

/// RFC 5280 4.1.2.5.1: two digits stand for 1950 to 2049.
constexpr int kFirstUtcTimeYear = 1950;
constexpr int kLastUtcTimeYear = 2049;

/// The next two digits of `text`, which has them; 100 (out of range everywhere) if they are not.
unsigned take_two(std::string_view& text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const unsigned value = digit(text[0]) && digit(text[1])
                               ? static_cast<unsigned>((text[0] - '0') * 10 + (text[1] - '0'))
                               : 100U;
    text.remove_prefix(2);
    return value;
}

void put_two(Bytes& text, unsigned value) {
    text.push_back(static_cast<std::uint8_t>('0' + value / 10));
    text.push_back(static_cast<std::uint8_t>('0' + value % 10));
}

CalendarTime calendar_of(std::int64_t time) {
    const auto at = to_calendar(time);
    if (!at) throw std::out_of_range("a time outside the years 0 to 9999");
    return *at;
}

/// A CRL has millions of them, so this does without printf.
void write(Bytes& out, const CalendarTime& at, bool utc_time) {
    const auto year = static_cast<unsigned>(at.year);
    der::append_header(out, utc_time ? DerTag::kUtcTime : DerTag::kGeneralizedTime,
                       utc_time ? 13 : 15);
    if (!utc_time) put_two(out, year / 100);
    put_two(out, year % 100);
    for (const unsigned field : {at.month, at.day, at.hour, at.minute, at.second})
        put_two(out, field);
    out.push_back('Z');
}

}  // namespace

void der::append_time(Bytes& out, std::int64_t time) {
    const CalendarTime at = calendar_of(time);
    write(out, at, at.year >= kFirstUtcTimeYear && at.year <= kLastUtcTimeYear);
}

Bytes der::time(std::int64_t time) {
    Bytes out;
    append_time(out, time);
    return out;
}

Bytes der::generalized_time(std::int64_t time) {
    Bytes out;
    write(out, calendar_of(time), false);
    return out;
}

Result<std::int64_t> read_time(const DerElement& element) {
    std::string_view text = as_text(element.content);
    const auto not_a_time = [&] {
        return malformed("DER: time that is not YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ");
    };
    CalendarTime at;
    if (element.tag == DerTag::kUtcTime && text.size() == 13) {
        const unsigned year = take_two(text);
        if (year > 99) return not_a_time();
        at.year = static_cast<int>(year) + (year < 50 ? 2000 : 1900);
    } else if (element.tag == DerTag::kGeneralizedTime && text.size() == 15) {
        const unsigned century = take_two(text);
        const unsigned year = take_two(text);
        if (century > 99 || year > 99) return not_a_time();
        at.year = static_cast<int>(century * 100 + year);
    } else {
        return not_a_time();
    }
    at.month = take_two(text);
    at.day = take_two(text);
    at.hour = take_two(text);
    at.minute = take_two(text);
    at.second = take_two(text);
    if (text != "Z") return not_a_time();
    const auto time = from_calendar(at);
    if (!time) return not_a_time();
    return *time;
}

}  // namespace scepgate::certs
