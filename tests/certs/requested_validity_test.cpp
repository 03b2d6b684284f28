#include "certs/requested_validity.hpp"

#include <gtest/gtest.h>

namespace scepgate::certs::this_file {
namespace {

constexpr std::int64_t kDay = 86400;

/// SEQUENCE { BMPString "ab", BMPString "c" }
constexpr const char* kPair = "300a 1e0400610062 1e020063";

Result<NameValuePairs> read(const char* hex) {
    std::string digits;
    for (const char c : std::string_view(hex)) {
        if (c != ' ') digits += c;
    }
    NameValuePairs pairs;
    const Bytes der = from_hex(digits).value();
    if (const auto done = read_name_value_pair(der, pairs); !done) return done.error();
    return pairs;
}

TEST(NameValuePairTest, ReadsTwoBmpStrings) {
    const auto pairs = read(kPair);
    ASSERT_TRUE(pairs) << pairs.error().detail;
    EXPECT_EQ(*pairs, (NameValuePairs{{"ab", "c"}}));
}

TEST(NameValuePairTest, RefusesOtherStructures) {
    for (const char* hex : {"", "3000", "3006 1e0400610062", "300a 0c0400610062 1e020063",
                            "300a 1e0400610062 1e020063 00", "300c 1e0400610062 1e020063 0500",
                            "3009 1e0400610062 1e0163"}) {
        const auto pairs = read(hex);
        ASSERT_FALSE(pairs) << hex;
        EXPECT_EQ(pairs.error().code, Errc::kMalformed) << hex;
    }
}

TEST(NameValuePairTest, KeepsTheFirstOfTwoWithOneName) {
    NameValuePairs pairs{{"ab", "first"}};
    const Bytes der = from_hex("300a1e04004100621e020063").value();
    ASSERT_TRUE(read_name_value_pair(der, pairs));
    EXPECT_EQ(pairs.at("ab"), "first");
}

TEST(RequestedValidityTest, CountsUnitsAsTheirPeriodSays) {
    const std::pair<const char*, std::int64_t> periods[] = {
        {"Seconds", 1},      {"minutes", 60},       {"HOURS", 3600},      {"Days", kDay},
        {"Weeks", 7 * kDay}, {"Months", 30 * kDay}, {"Years", 365 * kDay}};
    for (const auto& [period, seconds] : periods) {
        const auto asked =
            requested_validity({{"validityperiod", period}, {"validityperiodunits", "3"}});
        ASSERT_TRUE(asked) << period;
        EXPECT_EQ(asked->seconds, 3 * seconds) << period;
        EXPECT_EQ(asked->not_after, 0) << period;
    }
}

TEST(RequestedValidityTest, ReadsAnExpirationDateAsHttpWritesIt) {
    const auto asked = requested_validity({{"expirationdate", "Wed, 18 Nov 2026 11:06:40 GMT"}});
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->not_after, 1'795'000'000);
    EXPECT_EQ(asked->seconds, 0);
}

TEST(RequestedValidityTest, TakesWhatSaysNothingClearForNothing) {
    const NameValuePairs unclear[] = {
        {},
        {{"validityperiod", "Days"}},
        {{"validityperiodunits", "3"}},
        {{"validityperiod", "Fortnights"}, {"validityperiodunits", "3"}},
        {{"validityperiod", "Days"}, {"validityperiodunits", "0"}},
        {{"validityperiod", "Days"}, {"validityperiodunits", "-3"}},
        {{"validityperiod", "Days"}, {"validityperiodunits", "3 "}},
        {{"validityperiod", "Years"}, {"validityperiodunits", "99999999999999999999"}},
        {{"expirationdate", "2026-11-18"}},
        {{"expirationdate", "Wed, 18 Nov 2026 11:06:40 CET"}},
        {{"expirationdate", "Wed, 31 Feb 2026 11:06:40 GMT"}},
        {{"expirationdate", "Wed, 18 ovD 2026 11:06:40 GMT"}},
        {{"validityperiod", "Days"},
         {"validityperiodunits", "3"},
         {"expirationdate", "Wed, 18 Nov 2026 11:06:40 GMT"}}};
    for (const auto& pairs : unclear)
        EXPECT_FALSE(requested_validity(pairs)) << (pairs.empty() ? "" : pairs.begin()->second);
}

TEST(RequestedValidityTest, BoundsTheLongest) {
    const auto asked =
        requested_validity({{"validityperiod", "Years"}, {"validityperiodunits", "100000"}});
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->seconds, 100 * 366 * kDay);
}

}  // namespace
}  // namespace scepgate::certs::this_file
