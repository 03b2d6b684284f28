#include "server/http_date.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "certs/calendar.hpp"

namespace scepgate::server {

std::string http_date(std::int64_t time) {
    static constexpr std::array kDays{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto at = certs::to_calendar(time);
    if (!at || time < 0) return http_date(0);
    const auto day = static_cast<std::size_t>(time / 86400 % 7);  // 1970-01-01 was a Thursday
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02u:%02u:%02u GMT", kDays[day],
                  at->day, kMonths[at->month - 1], at->year, at->hour, at->minute, at->second);
    return text.data();
}

std::string_view DateField::at(std::int64_t time) {
    if (line_.empty() || time != time_) {
        line_ = "Date: " + http_date(time) + "\r\n";
        time_ = time;
    }
    return line_;
}

std::string_view DateField::now() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return at(std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count());
}

}  // namespace scepgate::server
