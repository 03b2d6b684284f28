#include "policy/failed_matches.hpp"

#include <algorithm>

namespace scepgate::policy {

void FailedMatches::add(const std::string& challenge, const Sha256& attempt, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = records_.try_emplace(challenge);
    if (is_new) oldest_.push_back(found);
    Record& record = found->second;
    if (record.locked(now)) return;
    auto& known = record.attempts;
    if (std::find(known.begin(), known.end(), attempt) == known.end()) known.push_back(attempt);
    if (known.size() == kMost) {
        known.clear();
        record.locked_at = now;
        record.lock = record.next_lock;
        record.next_lock = std::min(2 * record.next_lock, kLongestLock);
    }
    while (records_.size() > capacity_) {
        records_.erase(oldest_.front());
        oldest_.pop_front();
    }
}

bool FailedMatches::locked(const std::string& challenge, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(challenge);
    return found != records_.end() && found->second.locked(now);
}

}  // namespace scepgate::policy
