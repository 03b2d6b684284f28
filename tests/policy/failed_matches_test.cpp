#include "policy/failed_matches.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace scepgate::policy::testing {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

Sha256 attempt(std::size_t number) {
    return sha256(as_bytes(std::to_string(number)));
}

void fail(FailedMatches& matches, const std::string& challenge, std::size_t times,
          std::int64_t now = kNow) {
    for (std::size_t i = 0; i < times; ++i)
        matches.add(challenge, attempt(i), now);
}

TEST(FailedMatchesTest, A_C14_FiveDifferentOnesLockThatChallengeAlone) {
    FailedMatches matches;
    fail(matches, "a", FailedMatches::kMost - 1);
    EXPECT_FALSE(matches.locked("a", kNow));
    fail(matches, "a", FailedMatches::kMost);
    EXPECT_TRUE(matches.locked("a", kNow));
    EXPECT_FALSE(matches.locked("b", kNow));
}

TEST(FailedMatchesTest, A_C14_TheSameAgainAndAgainIsNoGuessing) {
    FailedMatches matches;
    for (int i = 0; i < 100; ++i)
        matches.add("a", attempt(0), kNow);
    EXPECT_FALSE(matches.locked("a", kNow));
}

TEST(FailedMatchesTest, A_C14_TheLockEndsWithItsWindowHoweverOftenItIsTried) {
    FailedMatches matches;
    fail(matches, "a", FailedMatches::kMost);
    const std::int64_t end = kNow + FailedMatches::kWindow;
    for (std::size_t i = 0; i < 100; ++i)
        matches.add("a", attempt(100 + i), end - 1);
    EXPECT_TRUE(matches.locked("a", end - 1));
    EXPECT_FALSE(matches.locked("a", end));
    fail(matches, "a", FailedMatches::kMost, end);
    EXPECT_TRUE(matches.locked("a", end));
}

TEST(FailedMatchesTest, A_C14_ItsMemoryIsBoundedAndTheOldestGoFirst) {
    FailedMatches matches(2);
    fail(matches, "a", FailedMatches::kMost);
    fail(matches, "b", FailedMatches::kMost);
    fail(matches, "a", FailedMatches::kMost);
    fail(matches, "c", FailedMatches::kMost);
    EXPECT_FALSE(matches.locked("a", kNow));
    EXPECT_TRUE(matches.locked("b", kNow));
    EXPECT_TRUE(matches.locked("c", kNow));
}

TEST(FailedMatchesTest, IsSafeToUseFromManyThreads) {
    FailedMatches matches(3);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&matches, t] {
            for (std::size_t i = 0; i < 200; ++i) {
                matches.add(std::to_string((i + t) % 7), attempt(i), kNow);
                (void)matches.locked(std::to_string(i % 7), kNow);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    fail(matches, "a", FailedMatches::kMost);
    EXPECT_TRUE(matches.locked("a", kNow));
}

}  // namespace
}  // namespace scepgate::policy::testing
