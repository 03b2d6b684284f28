// How often CSRs did not match one and the same challenge.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "certs/csr.hpp"

namespace scepgate::policy {

/// What the CSR asks for, all of it that a challenge can name but the key: a device may make a new
/// one for each try. Of the octets asked for, never of a text that quotes them: excerpts of
/// different names can be the same.
[[nodiscard]] Sha256 attempt_of(const certs::Csr& csr);

/// Whoever got hold of a challenge without knowing what it is for could try names until one fits.
/// kMost different CSRs that do not fit lock it for kFirstLock seconds, the next ones for twice as
/// long, and so on up to kLongestLock: some two hundred names in a month.
/// While it is locked its device is refused too, and needs another challenge; the audit file names
/// it. A device that sends the same again and again does not count as guessing. Addresses do not
/// matter: many devices share one.
///
/// Kept in memory, for at most `capacity` challenges (the oldest are forgotten first; only
/// challenges of a trusted signer get here). Safe for concurrent use.
class FailedMatches {
public:
    static constexpr std::size_t kMost = 5;
    static constexpr std::int64_t kFirstLock = 600;
    static constexpr std::int64_t kLongestLock = 86'400;

    explicit FailedMatches(std::size_t capacity = 10'000) : capacity_(capacity) {}

    /// A CSR that did not match; `attempt`: attempt_of() it.
    void add(const std::string& challenge, const Sha256& attempt, std::int64_t now);
    [[nodiscard]] bool locked(const std::string& challenge, std::int64_t now);

private:
    struct Record {
        std::vector<Sha256> attempts;  ///< since the last lock
        std::int64_t locked_at = 0;
        std::int64_t lock = 0;  ///< seconds from `locked_at`
        std::int64_t next_lock = kFirstLock;

        /// A clock that was set back ends a lock, rather than making it longer.
        [[nodiscard]] bool locked(std::int64_t now) const noexcept {
            return now >= locked_at && now < locked_at + lock;
        }
    };
    using Records = std::map<std::string, Record>;

    const std::size_t capacity_;
    std::mutex mutex_;
    Records records_;                       // both guarded by mutex_
    std::deque<Records::iterator> oldest_;  ///< first the one that began first
};

}  // namespace scepgate::policy
