// What others are still to be told of certificates: kept with the certificates themselves, until it
// was heard.
#pragma once

#include <algorithm>
#include <memory>

#include <boost/asio/awaitable.hpp>

#include "ca_backend/transaction.hpp"

namespace scepgate::ca_backend {

/// One message to one listener.
struct OutboxEvent {
    std::string target;  ///< the listener's name
    std::string kind;    ///< "issued", "refused", "revoked", …
    std::string id;      ///< of its own; by it the listener knows a message that comes twice
    std::string body;
};

inline constexpr std::int64_t kLongestLease = 900;   ///< seconds
inline constexpr std::int64_t kLongestPause = 3600;  ///< seconds between two attempts

/// A message that waits.
struct OutboxRow {
    std::int64_t number = 0;  ///< they grow: of one target the smallest is told first
    OutboxEvent event;
    std::int64_t created = 0;       ///< seconds since the epoch
    std::int64_t due = 0;           ///< not before this: of the first, when it is tried again
    std::int64_t leased_until = 0;  ///< a sender has it
    std::int64_t attempts = 0;      ///< that were begun
    std::string error;              ///< of the last attempt that failed

    /// A lease from before the clock was set back is none.
    [[nodiscard]] bool is_leased(std::int64_t now) const noexcept {
        return leased_until > now && leased_until <= now + kLongestLease;
    }
    /// When it may be sent: at once, when `due` is from before the clock was set back.
    [[nodiscard]] std::int64_t sendable_at(std::int64_t now) const noexcept {
        const std::int64_t at = due <= now + kLongestPause ? due : now;
        return is_leased(now) ? std::max(at, leased_until) : at;
    }
};

/// Makes the messages about what the store is about to record. Called from many threads.
class Announcer {
public:
    virtual ~Announcer() = default;
    [[nodiscard]] virtual std::vector<OutboxEvent> issued(const IssuanceRecord& record) const = 0;
    [[nodiscard]] virtual std::vector<OutboxEvent> pending(const PendingRecord& record) const = 0;
    /// `row`: as it is now; without a revocation its hold was ended.
    [[nodiscard]] virtual std::vector<OutboxEvent> revoked(const CertificateRow& row,
                                                           std::int64_t at) const = 0;
    /// Messages of ours have become durable: someone may be woken.
    virtual void added() const = 0;
};

/// What a sender asks for. One sender at a time gets messages of a target, oldest first.
struct OutboxClaim {
    std::string target;
    std::int64_t now = 0;
    std::int64_t lease = 60;  ///< seconds in which nobody else gets them; at most kLongestLease
    std::size_t most = 16;
};

/// How the messages of a claim ended.
struct OutboxResult {
    struct Failure {
        OutboxRow row;
        std::int64_t due = 0;  ///< when it is tried again, and all of its target behind it
        std::string error;
    };
    std::vector<OutboxRow> gone;     ///< heard, or given up: removed
    std::optional<Failure> failed;   ///< the first that was not heard
    std::vector<OutboxRow> untried;  ///< those behind it
};

/// What a retry found.
struct OutboxRetry {
    std::size_t due = 0;         ///< may be sent now
    std::size_t being_sent = 0;  ///< a sender has them
};

/// How it stands with one target.
struct OutboxCount {
    std::string target;
    std::int64_t waiting = 0;
    std::int64_t oldest = 0;   ///< when the first of them was made
    std::int64_t dropped = 0;  ///< refusals that were thrown away unheard, since ever
};

/// Safe for concurrent use, by several processes too. A message is told at least once: after a
/// crash, or when a lease ended too early, a second time. kUnavailable as for Store.
class Outbox {
public:
    virtual ~Outbox() = default;

    /// From now on, what is recorded is announced: the messages are written in the same transaction
    /// as what they tell of. Null: nothing is.
    virtual void announce_by(std::shared_ptr<const Announcer> announcer) = 0;

    /// Adds what belongs to no record: messages of the kind "refused". Of each target, at most
    /// `most` of them wait; the oldest make room. Returns how many did.
    virtual boost::asio::awaitable<Result<std::size_t>> add_bounded(std::vector<OutboxEvent> events,
                                                                    std::size_t most,
                                                                    std::int64_t now) = 0;
    /// When the target's first message is due and nobody's; empty: none waits.
    virtual Result<std::optional<std::int64_t>> next_due(const std::string& target,
                                                         std::int64_t now) = 0;
    /// The target's oldest messages; none while the first is not due, or somebody else's.
    virtual boost::asio::awaitable<Result<std::vector<OutboxRow>>> claim(OutboxClaim claim) = 0;
    /// What somebody else has claimed since is left as it is, but for what is gone.
    virtual boost::asio::awaitable<Result<void>> settle(OutboxResult result) = 0;
    /// What waits is due at once; of all targets when `target` is empty. What somebody has claimed
    /// stays theirs.
    virtual boost::asio::awaitable<Result<OutboxRetry>> retry(std::string target,
                                                              std::int64_t now) = 0;
    /// Forgets all that waits for the target, unheard, and its count. Returns how many waited.
    virtual boost::asio::awaitable<Result<std::size_t>> drop(std::string target) = 0;

    /// Oldest first. `target` empty: of all.
    virtual Result<std::vector<OutboxRow>> list(const std::string& target, std::size_t most) = 0;
    virtual Result<std::vector<OutboxCount>> count() = 0;
};

}  // namespace scepgate::ca_backend
