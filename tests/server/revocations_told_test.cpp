// What several audit files tell of revocations comes to one state of each certificate.
#include "server/revocations_told.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

std::string line(const std::string& event, int day, const std::string& serial = "4f01",
                 const std::string& more = "") {
    return R"({"time":"2026-01-0)" + std::to_string(day) + R"(T00:00:00Z","event":")" + event +
           R"(","serial":")" + serial + R"(","reason":"superseded")" + more + "}";
}

bool is_revoked(const std::vector<std::string>& lines) {
    RevocationsTold told;
    for (const std::string& each : lines)
        told.add(each);
    return told.is_revoked({{0x4F, 0x01}, {}});
}

TEST(RevocationsToldTest, KnowsTheLastThatWasDone) {
    EXPECT_FALSE(is_revoked({}));
    EXPECT_TRUE(is_revoked({line("revoke", 1)}));
    EXPECT_TRUE(is_revoked({line("hold", 1)}));
    EXPECT_FALSE(is_revoked({line("hold", 1), line("release", 2)}));
    EXPECT_FALSE(is_revoked({line("hold", 1), line("release", 1)})) << "within a second";
    EXPECT_TRUE(is_revoked({line("hold", 1), line("release", 2), line("revoke", 3)}));
    EXPECT_FALSE(is_revoked({line("release", 2), line("hold", 1)})) << "in another node's file";
}

TEST(RevocationsToldTest, KnowsASerialNumberHoweverItIsWritten) {
    EXPECT_TRUE(is_revoked({line("revoke", 1, "004f01")}));
    EXPECT_TRUE(is_revoked({line("revoke", 1, "4F01")}));
    EXPECT_FALSE(is_revoked({line("revoke", 1, "4f02")}));
}

/// Of a configuration with two CAs.
class RevocationsToldOfTwoTest : public ::testing::Test {
protected:
    void add(const std::string& event, int day, const std::string& ca) {
        told_.add(line(event, day, "02", R"(,"ca":")" + ca + '"'));
    }
    bool is_revoked(const std::string& ca) { return told_.is_revoked(issuers_.told(ca, Bytes{2})); }

    ToldIssuers issuers_{{{"one", {1}}, {"two", {2}}}};
    RevocationsTold told_{issuers_};
};

TEST_F(RevocationsToldOfTwoTest, TellsTheSameSerialNumberOfTwoCasApart) {
    add("hold", 1, "one");
    add("hold", 1, "two");
    add("release", 2, "two");
    EXPECT_TRUE(is_revoked("one"));
    EXPECT_FALSE(is_revoked("two"));
    EXPECT_EQ(told_.all().size(), 2U);
}

TEST_F(RevocationsToldOfTwoTest, ACaMayHaveBeenCalledSomethingElse) {
    add("hold", 1, "before");
    EXPECT_TRUE(is_revoked("before"));
    add("release", 2, "one");
    EXPECT_FALSE(is_revoked("before"));
    add("hold", 3, "one");
    EXPECT_TRUE(is_revoked("one"));
}

TEST(ToldIssuersTest, WhatIsNotOfTheConfigurationMayBeAnybodys) {
    const ToldIssuers issuers({{"one", {1}}, {"two", {2}}});
    const auto stored = [&](std::uint8_t issuer) {
        return issuers.stored(ca_backend::IssuerHash{issuer}, Bytes{7});
    };
    const ToldId one = issuers.told("one", Bytes{7});
    EXPECT_TRUE(one.may_be(stored(1)));
    EXPECT_FALSE(one.may_be(stored(2)));
    EXPECT_TRUE(one.may_be(stored(3)));
    EXPECT_TRUE(issuers.told("gone", Bytes{7}).may_be(stored(2)));
    EXPECT_FALSE(issuers.told("gone", Bytes{8}).may_be(stored(2)));
    EXPECT_TRUE(may_contain({stored(2), stored(3)}, one));
    EXPECT_FALSE(may_contain({stored(2), issuers.told("one", Bytes{6})}, one));
}

TEST(RevocationsToldTest, PassesOverWhatOnlyLooksLikeOne) {
    EXPECT_FALSE(is_revoked({line("intend", 1, "4f01", R"(,"act":"revoke")")}));
    EXPECT_FALSE(is_revoked({line("issue", 1, "4f01", R"(,"subject":"\"event\":\"revoke\"")")}));
    EXPECT_FALSE(is_revoked({R"({"event":"revoke","serial":7})", R"({"event":"revoke")"}));
    EXPECT_FALSE(is_revoked({line("revoke", 1, "no hex")}));
}

}  // namespace
}  // namespace scepgate::server::this_file
