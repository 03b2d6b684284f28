#include "server/failure_tick.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::chrono::steady_clock::time_point kBegan{milliseconds(1'234'567)};

milliseconds released_after(nanoseconds taken) {
    return std::chrono::duration_cast<milliseconds>(failure_release(kBegan, kBegan + taken) -
                                                    kBegan);
}

TEST(FailureTickTest, E06_WhateverTheWorkTookWithinATickTheReplyLeavesAtItsEnd) {
    for (const nanoseconds taken :
         {nanoseconds(0), nanoseconds(1), nanoseconds(milliseconds(1)),
          nanoseconds(milliseconds(49)), nanoseconds(milliseconds(50)) - nanoseconds(1)}) {
        EXPECT_EQ(released_after(taken), kFailureTick) << taken.count();
    }
}

TEST(FailureTickTest, E06_LongerWorkLeavesOnALaterWholeTick) {
    EXPECT_EQ(released_after(milliseconds(50)), 2 * kFailureTick);
    EXPECT_EQ(released_after(milliseconds(99)), 2 * kFailureTick);
    EXPECT_EQ(released_after(milliseconds(100)), 3 * kFailureTick);
}

TEST(FailureTickTest, E06_TheTickCountsFromTheMomentBeforeTheKeyWasUsed) {
    // The same secret work after public work of any length: the same wait, not the next edge of a
    // clock that runs for itself.
    for (const auto before : {microseconds(0), microseconds(49'990), microseconds(120'000)}) {
        const auto began = kBegan + before;
        EXPECT_EQ(failure_release(began, began + microseconds(20)) - began, kFailureTick);
    }
}

TEST(FailureTickTest, AClockThatDidNotMoveIsNoReasonToLeaveAtOnce) {
    EXPECT_EQ(failure_release(kBegan, kBegan) - kBegan, kFailureTick);
    EXPECT_EQ(failure_release(kBegan, kBegan - milliseconds(1)) - kBegan, kFailureTick);
}

}  // namespace
}  // namespace scepgate::server::this_file
