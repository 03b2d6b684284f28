#include "server/retry_bounds.hpp"

namespace scepgate::server {

bool RetryBounds::is_first(std::int64_t transaction) {
    const std::lock_guard lock(mutex_);
    return remembered_.size() < kMostRemembered && remembered_.insert(transaction).second;
}

bool RetryBounds::admit(std::string_view client, std::int64_t transaction, TimePoint now) {
    return is_first(transaction) || bounds_.admit(client, "Retry", now);
}

void RetryBounds::forget(std::int64_t transaction) {
    const std::lock_guard lock(mutex_);
    remembered_.erase(transaction);
}

}  // namespace scepgate::server
