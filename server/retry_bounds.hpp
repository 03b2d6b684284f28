// How many retries are recorded one by one: whoever has seen a message can send it again as often
// as the cores can answer, and must not fill the disk with it (attacks.md A05).
#pragma once

#include <unordered_set>

#include "server/refusal_bounds.hpp"

namespace scepgate::server {

/// Of each certificate the first since the start is recorded, so that one that a crash kept from
/// leaving has its record when it does; all others as RefusalBounds has it. Safe for concurrent
/// use.
class RetryBounds {
public:
    using TimePoint = RefusalBounds::TimePoint;

    /// So many certificates are remembered. What comes beyond is bounded from its first on.
    static constexpr std::size_t kMostRemembered = 65536;

    void set_rate(std::size_t rate) { bounds_.set_rate(rate); }
    /// Whether this one is recorded; else it is counted. `transaction`: StoredTransaction::id.
    [[nodiscard]] bool admit(std::string_view client, std::int64_t transaction, TimePoint now);
    /// It could not be recorded.
    void forget(std::int64_t transaction);
    /// As RefusalBounds::take(); the code is "Retry".
    [[nodiscard]] std::vector<UntoldRefusals> take(RefusalBounds::Which which, TimePoint now) {
        return bounds_.take(which, now);
    }

private:
    [[nodiscard]] bool is_first(std::int64_t transaction);

    RefusalBounds bounds_;
    std::mutex mutex_;
    std::unordered_set<std::int64_t> remembered_;  ///< guarded by mutex_
};

}  // namespace scepgate::server
