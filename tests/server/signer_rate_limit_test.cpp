#include <gtest/gtest.h>

#include "server/signer/rate_limit.hpp"

namespace scepgate::server::signer::this_file {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;  // a full minute
constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86'400;

int taken(RateCounter& counter, const RateRules& rules, const std::string& name, std::int64_t now,
          int tries = 100) {
    int count = 0;
    while (count < tries && !counter.take(rules, name, now))
        ++count;
    return count;
}

TEST(SignerRateTest, AllowsAnyNumberWithoutALimit) {
    RateCounter counter;
    EXPECT_EQ(taken(counter, {}, "A", kNow), 100);
}

TEST(SignerRateTest, LimitsEachPeriod) {
    const RateRules rules{{.per_minute = 2, .per_hour = 5, .per_day = 7}, {}};
    RateCounter counter;
    EXPECT_EQ(taken(counter, rules, "A", kNow), 2);
    EXPECT_EQ(counter.take(rules, "A", kNow + 59)->period, "minute");
    EXPECT_EQ(taken(counter, rules, "A", kNow + kMinute), 2);
    EXPECT_EQ(taken(counter, rules, "A", kNow + 2 * kMinute), 1);
    EXPECT_EQ(counter.take(rules, "A", kNow + 3 * kMinute)->period, "hour");
    EXPECT_EQ(taken(counter, rules, "A", kNow + 2 * kHour), 2);
    EXPECT_EQ(counter.take(rules, "A", kNow + 23 * kHour)->period, "day");
    EXPECT_EQ(taken(counter, rules, "A", kNow + kDay), 2) << "the first two are a day old";
}

TEST(SignerRateTest, CountsEachTemplateByItselfAndAllTogether) {
    const RateRules rules{{.per_hour = 5}, {{"A", {.per_hour = 2}}}};
    RateCounter counter;
    EXPECT_EQ(taken(counter, rules, "A", kNow), 2);
    EXPECT_EQ(counter.take(rules, "A", kNow)->scope, "template \"A\"");
    EXPECT_EQ(taken(counter, rules, "B", kNow), 3);
    EXPECT_EQ(counter.take(rules, "B", kNow)->scope, "all certificates");
}

TEST(SignerRateTest, CountsWhatWasSignedBeforeARestart) {
    const RateRules rules{{.per_hour = 5}, {}};
    RateCounter counter;
    counter.add("A", kNow - kHour / 2, 3);
    EXPECT_EQ(taken(counter, rules, "A", kNow), 2);
}

TEST(SignerRateTest, GivesBackWhatWasNotSigned) {
    const RateRules rules{{.per_minute = 1}, {}};
    RateCounter counter;
    EXPECT_EQ(taken(counter, rules, "A", kNow), 1);
    counter.give_back("A", kNow);
    EXPECT_EQ(taken(counter, rules, "A", kNow), 1);
}

TEST(SignerRateTest, GivesNothingMoreWhenTheClockIsSetBack) {
    const RateRules rules{{.per_hour = 2}, {}};
    RateCounter counter;
    EXPECT_EQ(taken(counter, rules, "A", kNow), 2);
    EXPECT_EQ(taken(counter, rules, "A", kNow - kDay), 0);
}

}  // namespace
}  // namespace scepgate::server::signer::this_file
