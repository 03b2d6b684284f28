#include "bench/latency.hpp"

#include <numeric>

#include <gtest/gtest.h>

namespace scepgate::bench::this_file {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

std::vector<std::uint64_t> milliseconds_down_from(std::size_t count) {
    std::vector<std::uint64_t> values;
    for (std::size_t i = count; i > 0; --i)
        values.push_back(i * kMillisecond);
    return values;
}

TEST(LatencyTest, GivesTheNearestRankOfUnsortedValues) {
    auto values = milliseconds_down_from(1000);
    const LatencySummary summary = summarise(values);
    EXPECT_DOUBLE_EQ(summary.p50, 500);
    EXPECT_DOUBLE_EQ(summary.p99, 990);
    EXPECT_DOUBLE_EQ(summary.p999, 999);
    EXPECT_DOUBLE_EQ(summary.max, 1000);
    EXPECT_DOUBLE_EQ(summary.mean, 500.5);
}

TEST(LatencyTest, RoundsRanksUpSoThatFewValuesHideNoSlowOne) {
    auto values = milliseconds_down_from(10);
    const LatencySummary summary = summarise(values);
    EXPECT_DOUBLE_EQ(summary.p50, 5);
    EXPECT_DOUBLE_EQ(summary.p99, 10);
    EXPECT_DOUBLE_EQ(summary.p999, 10);
}

TEST(LatencyTest, TakesOneValueForAllRanks) {
    std::vector<std::uint64_t> values{kMillisecond / 2};
    const LatencySummary summary = summarise(values);
    EXPECT_DOUBLE_EQ(summary.p50, 0.5);
    EXPECT_DOUBLE_EQ(summary.max, 0.5);
}

TEST(LatencyTest, IsAllZeroWithoutValues) {
    std::vector<std::uint64_t> none;
    EXPECT_DOUBLE_EQ(summarise(none).max, 0);
}

}  // namespace
}  // namespace scepgate::bench::this_file
