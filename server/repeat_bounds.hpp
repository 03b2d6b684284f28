// How many records there are of what repeats: whoever has a message, or a challenge, can send it
// again as often as the cores can answer, and must not fill the disk with it (attacks.md A05).
#pragma once

#include <unordered_set>

#include "server/refusal_bounds.hpp"

namespace scepgate::server {

/// Of each matter the first since the start is recorded (so a certificate that a crash kept from
/// leaving has its record when it does, and each device's refusal has one), all others as
/// RefusalBounds has it. Safe for concurrent use.
class RepeatBounds {
public:
    using TimePoint = RefusalBounds::TimePoint;

    /// So many are remembered. What comes beyond is bounded from its first on.
    static constexpr std::size_t kMostRemembered = 65536;

    void set_rate(std::size_t rate) { bounds_.set_rate(rate); }
    /// Whether this one is recorded; else it is counted. `matter`: a number of the caller's, the
    /// same for what repeats.
    [[nodiscard]] bool admit(std::uint64_t matter, std::string_view client, std::string_view code,
                             TimePoint now);
    /// It could not be recorded.
    void forget(std::uint64_t matter);
    [[nodiscard]] std::vector<UntoldRefusals> take(RefusalBounds::Which which, TimePoint now) {
        return bounds_.take(which, now);
    }

private:
    [[nodiscard]] bool is_first(std::uint64_t matter);

    RefusalBounds bounds_;
    std::mutex mutex_;
    std::unordered_set<std::uint64_t> remembered_;  ///< guarded by mutex_
};

}  // namespace scepgate::server
