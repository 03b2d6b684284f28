#include "certs/calendar.hpp"

#include <chrono>

namespace scepgate::certs {
namespace {

using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr sys_seconds kFirst{sys_days{std::chrono::year{0} / 1 / 1}};
constexpr sys_seconds kAfterLast{sys_days{std::chrono::year{10'000} / 1 / 1}};

}  // namespace

std::optional<CalendarTime> to_calendar(std::int64_t time) noexcept {
    const sys_seconds at{seconds{time}};
    if (at < kFirst || at >= kAfterLast) return std::nullopt;
    const auto midnight = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{midnight};
    const auto second_of_day = static_cast<unsigned>((at - midnight).count());
    return CalendarTime{static_cast<int>(date.year()),     static_cast<unsigned>(date.month()),
                        static_cast<unsigned>(date.day()), second_of_day / 3600,
                        second_of_day / 60 % 60,           second_of_day % 60};
}

std::optional<std::int64_t> from_calendar(const CalendarTime& fields) noexcept {
    const std::chrono::year_month_day date{std::chrono::year{fields.year},
                                           std::chrono::month{fields.month},
                                           std::chrono::day{fields.day}};
    if (fields.year < 0 || fields.year > 9999 || !date.ok() || fields.hour > 23 ||
        fields.minute > 59 || fields.second > 59) {
        return std::nullopt;
    }
    const seconds of_day{fields.hour * 3600 + fields.minute * 60 + fields.second};
    return (sys_seconds{sys_days{date}} + of_day).time_since_epoch().count();
}

}  // namespace scepgate::certs
