#include "server/queue_pace.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

/// A window is long enough that one message more or less says little, and so short that the
/// estimate follows a machine that gets other work.
constexpr std::size_t kWindowCount = 16;
constexpr std::chrono::milliseconds kWindowTime{250};
/// Each window counts a quarter, all before it three.
constexpr int kMemory = 4;

}  // namespace

void QueuePace::begun(Clock::time_point now, std::size_t waiting) noexcept {
    last_ = now;
    if (full_) {
        ++window_count_;
        const auto span = now - window_start_;
        if (window_count_ >= kWindowCount || span >= kWindowTime) {
            const auto seen = span / static_cast<Clock::rep>(window_count_);
            each_ = each_ == Clock::duration::zero() ? seen : each_ + (seen - each_) / kMemory;
            window_start_ = now;
            window_count_ = 0;
        }
    }
    // A queue that runs empty ends the window: from here on it is the devices who set the pace.
    if (!full_ && waiting > 0) {
        window_start_ = now;
        window_count_ = 0;
    }
    full_ = waiting > 0;
}

QueuePace::Clock::duration QueuePace::wait(Clock::time_point now,
                                           std::size_t waiting) const noexcept {
    const auto learned = each_ * static_cast<Clock::rep>(waiting);
    // Workers that are all stuck begin nothing, and so teach nothing.
    return full_ ? std::max(learned, now - last_) : learned;
}

}  // namespace scepgate::server
