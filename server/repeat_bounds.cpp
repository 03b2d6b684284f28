#include "server/repeat_bounds.hpp"

namespace scepgate::server {

bool RepeatBounds::is_first(std::uint64_t matter) {
    const std::lock_guard lock(mutex_);
    return remembered_.size() < kMostRemembered && remembered_.insert(matter).second;
}

bool RepeatBounds::admit(std::uint64_t matter, std::string_view client, std::string_view code,
                         TimePoint now) {
    return is_first(matter) || bounds_.admit(client, code, now);
}

void RepeatBounds::forget(std::uint64_t matter) {
    const std::lock_guard lock(mutex_);
    remembered_.erase(matter);
}

}  // namespace scepgate::server
