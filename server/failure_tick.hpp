// When a FAILURE leaves (attacks.md E06).
#pragma once

#include <chrono>

namespace scepgate::server {

inline constexpr std::chrono::milliseconds kFailureTick{50};

/// The next whole tick counted from `began`, the moment before our private key was used, however
/// long what followed took until `now`. Counted from there, and not from when the request came:
/// else a sender who chooses how long the public part takes could move the secret part to the edge
/// of a tick, where a microsecond makes a difference of a whole one.
[[nodiscard]] constexpr std::chrono::steady_clock::time_point failure_release(
    std::chrono::steady_clock::time_point began,
    std::chrono::steady_clock::time_point now) noexcept {
    const auto taken = now > began ? now - began : std::chrono::steady_clock::duration::zero();
    return began + (taken / kFailureTick + 1) * kFailureTick;
}

}  // namespace scepgate::server
