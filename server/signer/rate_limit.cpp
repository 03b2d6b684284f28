#include "server/signer/rate_limit.hpp"

#include <algorithm>

namespace scepgate::server::signer {
namespace {

constexpr std::int64_t kSeconds = 60;
constexpr std::int64_t kHour = 60;  ///< minutes
constexpr std::int64_t kDay = 24 * 60;

}  // namespace

void RateCounter::Window::add(std::int64_t minute, std::int64_t count) {
    // A clock that was set back counts for the newest minute there is: nobody gains by it.
    if (minutes_.empty() || minutes_.back().number < minute) {
        minutes_.push_back({minute, count});
    } else {
        minutes_.back().count += count;
    }
    while (minutes_.front().number <= minutes_.back().number - kDay)
        minutes_.pop_front();
}

std::int64_t RateCounter::Window::since(std::int64_t minute) const {
    std::int64_t sum = 0;
    for (auto each = minutes_.rbegin(); each != minutes_.rend() && each->number > minute; ++each)
        sum += each->count;
    return sum;
}

std::optional<RateExceeded> RateCounter::exceeded(const Window& window, const RateLimits& limits,
                                                  std::int64_t minute, const std::string& scope) {
    struct Period {
        const char* name;
        std::int64_t most, minutes;
    };
    for (const Period& period :
         {Period{"minute", limits.per_minute, 1}, Period{"hour", limits.per_hour, kHour},
          Period{"day", limits.per_day, kDay}}) {
        if (period.most != 0 && window.since(minute - period.minutes) >= period.most)
            return RateExceeded{scope, period.name, period.most};
    }
    return std::nullopt;
}

std::optional<RateExceeded> RateCounter::take(const RateRules& rules,
                                              const std::string& template_name, std::int64_t now) {
    const std::int64_t minute = now / kSeconds;
    const std::lock_guard lock(mutex_);
    if (auto reached = exceeded(all_, rules.in_all, minute, "all certificates")) return reached;
    Window& window = templates_[template_name];
    if (const auto limits = rules.templates.find(template_name); limits != rules.templates.end()) {
        auto reached =
            exceeded(window, limits->second, minute, "template \"" + template_name + "\"");
        if (reached) return reached;
    }
    all_.add(minute, 1);
    window.add(minute, 1);
    return std::nullopt;
}

void RateCounter::give_back(const std::string& template_name, std::int64_t now) {
    add(template_name, now, -1);
}

void RateCounter::add(const std::string& template_name, std::int64_t at, std::int64_t count) {
    const std::lock_guard lock(mutex_);
    all_.add(at / kSeconds, count);
    templates_[template_name].add(at / kSeconds, count);
}

}  // namespace scepgate::server::signer
