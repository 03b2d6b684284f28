#include "server/http_date.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "certs/calendar.hpp"

namespace scepgate::server {

namespace {

constexpr std::array kDays{"Thursday", "Friday",  "Saturday", "Sunday",
                           "Monday",   "Tuesday", "Wednesday"};
constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Those of RFC 9110 section 5.6.7, in its order; the later two are of old clients.
enum class DateForm { kImfFixdate, kRfc850, kAsctime };

std::string write(std::int64_t time, DateForm form) {
    const auto at = certs::to_calendar(time);
    if (!at || time < 0) return write(0, form);
    const char* const day = kDays[static_cast<std::size_t>(time / 86400 % 7)];  // since a Thursday
    const char* const month = kMonths[at->month - 1];
    std::array<char, 64> text{};
    switch (form) {
        case DateForm::kImfFixdate:
            std::snprintf(text.data(), text.size(), "%.3s, %02u %s %04d %02u:%02u:%02u GMT", day,
                          at->day, month, at->year, at->hour, at->minute, at->second);
            break;
        case DateForm::kRfc850:
            std::snprintf(text.data(), text.size(), "%s, %02u-%s-%02d %02u:%02u:%02u GMT", day,
                          at->day, month, at->year % 100, at->hour, at->minute, at->second);
            break;
        case DateForm::kAsctime:
            std::snprintf(text.data(), text.size(), "%.3s %s %2u %02u:%02u:%02u %04d", day, month,
                          at->day, at->hour, at->minute, at->second, at->year);
            break;
    }
    return text.data();
}

}  // namespace

std::string http_date(std::int64_t time) {
    return write(time, DateForm::kImfFixdate);
}

bool is_http_date(std::string_view text, std::int64_t time) {
    if (text.empty()) return false;
    return text == write(time, DateForm::kImfFixdate) || text == write(time, DateForm::kRfc850) ||
           text == write(time, DateForm::kAsctime);
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
