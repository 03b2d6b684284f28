#include "server/refusal_bounds.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Which = RefusalBounds::Which;

const RefusalBounds::TimePoint kStart{std::chrono::hours(1000)};

class RefusalBoundsTest : public ::testing::Test {
protected:
    RefusalBoundsTest() { bounds.set_rate(20); }

    /// How many of so many are written.
    int written(int times, std::string_view client = "192.0.2.1",
                std::string_view code = "ChallengeMismatch") {
        int count = 0;
        for (int i = 0; i < times; ++i)
            count += bounds.admit(client, code, now) ? 1 : 0;
        return count;
    }

    RefusalBounds bounds;
    RefusalBounds::TimePoint now = kStart;
};

TEST_F(RefusalBoundsTest, WithoutARateAllAreWritten) {
    bounds.set_rate(0);
    EXPECT_EQ(written(100'000), 100'000);
    EXPECT_TRUE(bounds.take(Which::kAll, now).empty());
}

TEST_F(RefusalBoundsTest, A_A05_AnAddressHasSoManyAtOnceAndThenSoManyASecond) {
    EXPECT_EQ(written(10'000), 105) << "100, and 5 of the code's own";
    now += seconds(1);
    EXPECT_EQ(written(10'000), 21);
    now += seconds(3600);
    EXPECT_EQ(written(10'000), 105) << "unused time is not saved";
}

TEST_F(RefusalBoundsTest, OthersAreWrittenMeanwhile) {
    written(10'000);
    EXPECT_EQ(written(1, "192.0.2.2"), 1);
    EXPECT_EQ(written(1, "2001:db8::1"), 1);
}

TEST_F(RefusalBoundsTest, A_A05_ANetworkOfIPv6IsOneAddress) {
    int count = 0;
    for (int i = 1; i <= 1000; ++i)
        count += written(1, "2001:db8::" + std::to_string(i));
    EXPECT_EQ(count, 105);
    EXPECT_EQ(written(1, "2001:db8:0:1::1"), 1);
    const auto untold = bounds.take(Which::kAll, now);
    ASSERT_EQ(untold.size(), 1U);
    EXPECT_EQ(untold[0].client, "2001:db8::/64");
    EXPECT_EQ(untold[0].count, 895U);
}

TEST_F(RefusalBoundsTest, A_A05_ManyAddressesHaveABoundTogether) {
    int count = 0;
    for (int i = 0; i < 20'000; ++i) {
        count += written(1, "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    }
    EXPECT_EQ(count, 1050);
    const auto untold = bounds.take(Which::kAll, now);
    ASSERT_EQ(untold.size(), 1U);
    EXPECT_EQ(untold[0].client, "others");
    EXPECT_EQ(untold[0].count, 18'950U);
}

TEST_F(RefusalBoundsTest, A_A05_AFloodOfOneCodeHidesNoOther) {
    written(10'000);
    EXPECT_EQ(written(1, "192.0.2.1", "RenewalSigner"), 1) << "from the same address";
    for (int i = 0; i < 20'000; ++i)
        written(1, "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    EXPECT_EQ(written(1, "198.51.100.7", "PollUnknown"), 1) << "whoever floods";
    EXPECT_EQ(written(1, "198.51.100.7", "ChallengeMismatch"), 0);
}

TEST_F(RefusalBoundsTest, WhatIsNotWrittenIsToldOnceAndSoon) {
    written(305);
    EXPECT_TRUE(bounds.take(Which::kDue, now).empty());
    now += milliseconds(4900);
    EXPECT_TRUE(bounds.take(Which::kDue, now).empty());
    now += milliseconds(100);
    const auto untold = bounds.take(Which::kDue, now);
    ASSERT_EQ(untold.size(), 1U);
    EXPECT_EQ(untold[0].client, "192.0.2.1");
    EXPECT_EQ(untold[0].code, "ChallengeMismatch");
    EXPECT_EQ(untold[0].count, 200U);
    EXPECT_EQ(untold[0].ago, seconds(5));
    EXPECT_TRUE(bounds.take(Which::kAll, now).empty());
}

TEST_F(RefusalBoundsTest, AtTheEndAllIsTold) {
    written(106);
    written(107, "192.0.2.2");
    written(108, "192.0.2.3", "HTTP 408");
    std::uint64_t count = 0;
    for (const auto& each : bounds.take(Which::kAll, now))
        count += each.count;
    EXPECT_EQ(count, 6U);
}

TEST_F(RefusalBoundsTest, MoreAddressesThanAreKeptApartAreBoundedTogether) {
    bounds.set_rate(1000);
    int count = 0;
    for (std::size_t i = 0; i < RefusalBounds::kMostAddresses + 500; ++i)
        count += written(1, "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    EXPECT_EQ(count, static_cast<int>(RefusalBounds::kMostAddresses + 500));
    EXPECT_LE(written(100'000, "192.0.2.1"), 52'500);
    // Who was quiet for a while is forgotten, and others are kept apart again.
    now += seconds(10);
    EXPECT_EQ(written(10'000, "192.0.2.1"), 5250);
}

}  // namespace
}  // namespace scepgate::server::this_file
