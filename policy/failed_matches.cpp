#include "policy/failed_matches.hpp"

#include <algorithm>

namespace scepgate::policy {

void FailedMatches::add(const std::string& challenge, const Sha256& attempt, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    forget(now);
    const auto [found, is_new] = windows_.try_emplace(challenge);
    Window& window = found->second;
    if (is_new) {
        window.end = now + kWindow;
        oldest_.push_back(found);
    }
    const auto& known = window.attempts;
    if (known.size() == kMost || std::find(known.begin(), known.end(), attempt) != known.end()) {
        return;
    }
    window.attempts.push_back(attempt);
    while (windows_.size() > capacity_) {
        windows_.erase(oldest_.front());
        oldest_.pop_front();
    }
}

bool FailedMatches::locked(const std::string& challenge, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    forget(now);
    const auto found = windows_.find(challenge);
    return found != windows_.end() && found->second.attempts.size() == kMost;
}

void FailedMatches::forget(std::int64_t now) {
    while (!oldest_.empty() && oldest_.front()->second.end <= now) {
        windows_.erase(oldest_.front());
        oldest_.pop_front();
    }
}

}  // namespace scepgate::policy
