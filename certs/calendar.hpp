// Seconds since the epoch as calendar fields and back (UTC, proleptic Gregorian).
#pragma once

#include <cstdint>
#include <optional>

namespace scepgate::certs {

struct CalendarTime {
    int year = 1970;
    unsigned month = 1;  ///< 1 to 12
    unsigned day = 1;    ///< 1 to 31
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
};

/// Empty outside the years 0 to 9999, which is what ASN.1 and ISO 8601 write with four digits.
[[nodiscard]] std::optional<CalendarTime> to_calendar(std::int64_t time) noexcept;
/// Empty when a field is out of range, such as 30 February, 24:00 or a leap second.
[[nodiscard]] std::optional<std::int64_t> from_calendar(const CalendarTime& fields) noexcept;

}  // namespace scepgate::certs
