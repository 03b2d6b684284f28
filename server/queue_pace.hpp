// How long what comes now would wait for a worker.
#pragma once

#include <chrono>
#include <cstddef>

namespace scepgate::server {

/// Learns from the moments at which work begins how fast a pool takes what waits for it. Whatever
/// slows the workers is in it: other keys, other programs, what they do between. Not thread-safe.
class QueuePace {
public:
    using Clock = std::chrono::steady_clock;

    /// Work begins at `now`, and leaves `waiting` behind it.
    void begun(Clock::time_point now, std::size_t waiting) noexcept;

    /// How long one more would wait behind `waiting`. Zero until there was something to learn from.
    [[nodiscard]] Clock::duration wait(Clock::time_point now, std::size_t waiting) const noexcept;

private:
    bool full_ = false;  ///< since begun() last something has waited: the workers set the pace
    Clock::time_point last_{};
    Clock::time_point window_start_{};
    std::size_t window_count_ = 0;
    Clock::duration each_{0};  ///< between two beginnings while something waits
};

}  // namespace scepgate::server
