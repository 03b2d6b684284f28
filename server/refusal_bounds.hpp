// How many refusals of strangers are written down one by one: whoever makes up keys can be refused
// as often as the cores can, and must not fill the disk with it (attacks.md A05).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace scepgate::server {

/// Refusals, or retries (RepeatBounds), of one kind that were counted in place of being written.
struct UntoldRefusals {
    std::string client;  ///< an IPv4 address, an IPv6 /64, or "others"
    std::string code;
    std::uint64_t count = 0;
    std::chrono::seconds ago{0};  ///< since the first of them
};

/// With `rate` a second: of each IPv4 address or IPv6 /64 that many and five times as many at once,
/// of all together ten times that. Where an address, or all together, have used that up, a few of
/// each code are still written: nobody hides one attack behind a flood of another. What is not
/// written is counted. Memory is bounded. Safe for concurrent use.
class RefusalBounds {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    static constexpr std::size_t kMostAddresses = 4096;
    static constexpr std::size_t kMostKinds = 1024;
    /// So long after the first that was not written it is told how many there were.
    static constexpr std::chrono::seconds kDelay{5};

    /// 0, as before the first call: no bounds.
    void set_rate(std::size_t rate);

    /// Whether this one is written; else it is counted.
    [[nodiscard]] bool admit(std::string_view client, std::string_view code, TimePoint now);

    enum class Which { kDue, kAll };
    /// What is to be told now, each once.
    [[nodiscard]] std::vector<UntoldRefusals> take(Which which, TimePoint now);

private:
    /// What may come at once, and again each second.
    struct Pace {
        double most, a_second;
    };
    struct Bucket {
        double level = 0;
        TimePoint at{};  ///< the epoch: it was never used
        [[nodiscard]] bool holds_one(const Pace& pace, TimePoint now);
    };
    using Buckets = std::map<std::string, Bucket, std::less<>>;  ///< by code
    /// Of one address, or of all.
    struct Account {
        Bucket any;
        Buckets of_code;
        /// Where one can be taken from; null: nowhere.
        [[nodiscard]] Bucket* find(std::string_view code, const Pace& pace, TimePoint now);
    };
    struct Count {
        std::uint64_t count = 0;
        TimePoint since;
    };

    [[nodiscard]] Account* account_of(const std::string& client, TimePoint now);
    void count(std::string client, std::string_view code, TimePoint now);

    std::mutex mutex_;
    double rate_ = 0;
    std::map<std::string, Account> addresses_;
    Account all_;
    TimePoint swept_{};
    std::map<std::pair<std::string, std::string>, Count> untold_;  ///< by client and code
};

}  // namespace scepgate::server
