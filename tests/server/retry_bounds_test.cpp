#include "server/retry_bounds.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

const RetryBounds::TimePoint kNow{std::chrono::hours(1000)};
constexpr const char* kClient = "192.0.2.1";

class RetryBoundsTest : public ::testing::Test {
protected:
    RetryBoundsTest() { bounds.set_rate(20); }

    int recorded(int times, std::int64_t transaction) {
        int count = 0;
        for (int i = 0; i < times; ++i)
            count += bounds.admit(kClient, transaction, kNow) ? 1 : 0;
        return count;
    }

    RetryBounds bounds;
};

TEST_F(RetryBoundsTest, A_A05_OneMessageIsBoundedAndTheRestCounted) {
    EXPECT_EQ(recorded(10'000, 1), 1 + 105);
    const auto untold = bounds.take(RefusalBounds::Which::kAll, kNow);
    ASSERT_EQ(untold.size(), 1U);
    EXPECT_EQ(untold[0].client, kClient);
    EXPECT_EQ(untold[0].code, "Retry");
    EXPECT_EQ(untold[0].count, 10'000U - 106U);
}

TEST_F(RetryBoundsTest, TheFirstOfEachCertificateIsRecordedWhateverFloods) {
    recorded(10'000, 1);
    for (std::int64_t other = 2; other < 1000; ++other)
        ASSERT_EQ(recorded(2, other), 1) << other;
}

TEST_F(RetryBoundsTest, WhatCouldNotBeRecordedIsTheFirstAgain) {
    recorded(10'000, 1);
    bounds.forget(1);
    EXPECT_EQ(recorded(10, 1), 1);
}

TEST_F(RetryBoundsTest, A_A05_ItRemembersSoManyAndNoMore) {
    for (std::size_t i = 0; i < RetryBounds::kMostRemembered; ++i)
        ASSERT_EQ(recorded(1, static_cast<std::int64_t>(i)), 1);
    EXPECT_EQ(recorded(10'000, -1), 105);
    EXPECT_EQ(recorded(10'000, -2), 0);
}

TEST_F(RetryBoundsTest, WithoutARateAllAreRecorded) {
    bounds.set_rate(0);
    EXPECT_EQ(recorded(1000, 1), 1000);
}

}  // namespace
}  // namespace scepgate::server::this_file
