// How often CSRs did not match one and the same challenge.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::policy {

/// Whoever got hold of a challenge without knowing what it is for could try names until one fits.
/// After kMost different CSRs that did not fit, nothing fits for the rest of kWindow seconds from
/// the first of them. Not for longer, so that its device is not locked out for good; and a device
/// that sends the same again and again does not count as guessing. Addresses do not matter: many
/// devices share one.
///
/// Kept in memory, for at most `capacity` challenges (the oldest are forgotten first; only
/// challenges of a trusted signer get here). Safe for concurrent use.
class FailedMatches {
public:
    static constexpr std::size_t kMost = 5;
    static constexpr std::int64_t kWindow = 600;

    explicit FailedMatches(std::size_t capacity = 10'000) : capacity_(capacity) {}

    /// A CSR that did not match; `attempt` stands for what it asked for.
    void add(const std::string& challenge, const Sha256& attempt, std::int64_t now);
    [[nodiscard]] bool locked(const std::string& challenge, std::int64_t now);

private:
    struct Window {
        std::int64_t end = 0;
        std::vector<Sha256> attempts;
    };
    using Windows = std::map<std::string, Window>;

    void forget(std::int64_t now);

    const std::size_t capacity_;
    std::mutex mutex_;
    Windows windows_;                       // both guarded by mutex_
    std::deque<Windows::iterator> oldest_;  ///< first the one that began first
};

}  // namespace scepgate::policy
