#include "server/admin/limits.hpp"

#include <algorithm>
#include <cmath>

#include "server/http_address.hpp"

namespace scepgate::server::admin {

using std::chrono::seconds;

seconds FailedLogins::wait(std::string_view address, TimePoint now) {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(address_owner(address));
    if (found == failures_.end()) return seconds(0);
    const TimePoint end = found->second.since + kPeriod;
    if (now >= end) {
        failures_.erase(found);
        return seconds(0);
    }
    if (found->second.count < kMost) return seconds(0);
    return std::chrono::ceil<seconds>(end - now);
}

bool FailedLogins::failed(std::string_view address, TimePoint now) {
    const std::lock_guard lock(mutex_);
    std::string key = address_owner(address);
    if (!failures_.contains(key) && failures_.size() >= kMostAddresses) {
        failures_.erase(std::min_element(failures_.begin(), failures_.end(),
                                         [](const auto& one, const auto& other) {
                                             return one.second.since < other.second.since;
                                         }));
    }
    Failures& failures = failures_[std::move(key)];
    if (failures.count == 0 || now >= failures.since + kPeriod) failures = {0, now};
    return ++failures.count >= kMost;
}

std::size_t FailedLogins::addresses() const {
    const std::lock_guard lock(mutex_);
    return failures_.size();
}

seconds RequestRates::take(const std::string& caller, const RequestRate& rate, TimePoint now) {
    const auto most = static_cast<double>(rate.requests);
    const double a_second = most / static_cast<double>(rate.seconds);
    const std::lock_guard lock(mutex_);
    const auto [place, fresh] = buckets_.try_emplace(caller, Bucket{most, now});
    Bucket& bucket = place->second;
    const std::chrono::duration<double> passed = now - bucket.at;
    bucket.level = std::min(most, bucket.level + passed.count() * a_second);
    bucket.at = now;
    if (bucket.level >= 1) {
        bucket.level -= 1;
        return seconds(0);
    }
    return std::max(seconds(1), seconds(std::llround(std::ceil((1 - bucket.level) / a_second))));
}

}  // namespace scepgate::server::admin
