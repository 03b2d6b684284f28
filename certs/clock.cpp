#include "certs/clock.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "certs/calendar.hpp"

namespace scepgate::certs {

std::int64_t SystemClock::now() const {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
        .time_since_epoch()
        .count();
}

std::string utc_text(std::int64_t time) {
    const auto at = to_calendar(time);
    if (!at) return std::string("@").append(std::to_string(time));
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02u:%02u:%02uZ", at->year, at->month,
                  at->day, at->hour, at->minute, at->second);
    return text.data();
}

}  // namespace scepgate::certs
