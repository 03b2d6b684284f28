#include "server/repeat_bounds.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

const RepeatBounds::TimePoint kNow{std::chrono::hours(1000)};
constexpr const char* kClient = "192.0.2.1";

class RepeatBoundsTest : public ::testing::Test {
protected:
    RepeatBoundsTest() { bounds.set_rate(20); }

    int recorded(int times, std::uint64_t matter) {
        int count = 0;
        for (int i = 0; i < times; ++i)
            count += bounds.admit(matter, kClient, "Code", kNow) ? 1 : 0;
        return count;
    }

    RepeatBounds bounds;
};

TEST_F(RepeatBoundsTest, A_A05_OneMatterIsBoundedAndTheRestCounted) {
    EXPECT_EQ(recorded(10'000, 1), 1 + 105);
    const auto untold = bounds.take(RefusalBounds::Which::kAll, kNow);
    ASSERT_EQ(untold.size(), 1U);
    EXPECT_EQ(untold[0].client, kClient);
    EXPECT_EQ(untold[0].code, "Code");
    EXPECT_EQ(untold[0].count, 10'000U - 106U);
}

TEST_F(RepeatBoundsTest, TheFirstOfEachMatterIsRecordedWhateverFloods) {
    recorded(10'000, 1);
    for (std::uint64_t other = 2; other < 1000; ++other)
        ASSERT_EQ(recorded(2, other), 1) << other;
}

TEST_F(RepeatBoundsTest, WhatCouldNotBeRecordedIsTheFirstAgain) {
    recorded(10'000, 1);
    bounds.forget(1);
    EXPECT_EQ(recorded(10, 1), 1);
}

TEST_F(RepeatBoundsTest, A_A05_ItRemembersSoManyAndNoMore) {
    for (std::size_t i = 0; i < RepeatBounds::kMostRemembered; ++i)
        ASSERT_EQ(recorded(1, i), 1);
    EXPECT_EQ(recorded(10'000, RepeatBounds::kMostRemembered), 105);
    EXPECT_EQ(recorded(10'000, RepeatBounds::kMostRemembered + 1), 0);
}

TEST_F(RepeatBoundsTest, WithoutARateAllAreRecorded) {
    bounds.set_rate(0);
    EXPECT_EQ(recorded(1000, 1), 1000);
}

}  // namespace
}  // namespace scepgate::server::this_file
