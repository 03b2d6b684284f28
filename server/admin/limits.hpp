// How often somebody may fail, and how often a caller may ask.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "server/config_admin.hpp"

namespace scepgate::server::admin {

using TimePoint = std::chrono::steady_clock::time_point;

/// Wrong credentials, counted for each IPv4 address or IPv6 /64. Memory is bounded: when there are
/// too many addresses, the one that is longest there is forgotten.
class FailedLogins {
public:
    static constexpr unsigned kMost = 10;
    static constexpr std::chrono::seconds kPeriod{300};
    static constexpr std::size_t kMostAddresses = 4096;

    /// How long this address has to wait; zero: it may try.
    [[nodiscard]] std::chrono::seconds wait(std::string_view address, TimePoint now);
    /// True: it has to wait from now on.
    bool failed(std::string_view address, TimePoint now);
    [[nodiscard]] std::size_t addresses() const;

private:
    struct Failures {
        unsigned count = 0;
        TimePoint since;
    };
    mutable std::mutex mutex_;
    std::map<std::string, Failures, std::less<>> failures_;
};

/// A bucket of requests for each caller, which fills again in time. `caller`: a configured name, so
/// there are not many.
class RequestRates {
public:
    /// Zero: go on, and one request less. Else how long until there is one.
    [[nodiscard]] std::chrono::seconds take(const std::string& caller, const RequestRate& rate,
                                            TimePoint now);

private:
    struct Bucket {
        double level = 0;
        TimePoint at;
    };
    std::mutex mutex_;
    std::map<std::string, Bucket> buckets_;
};

}  // namespace scepgate::server::admin
