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
    return told.is_revoked({0x4F, 0x01});
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

TEST(RevocationsToldTest, PassesOverWhatOnlyLooksLikeOne) {
    EXPECT_FALSE(is_revoked({line("intend", 1, "4f01", R"(,"act":"revoke")")}));
    EXPECT_FALSE(is_revoked({line("issue", 1, "4f01", R"(,"subject":"\"event\":\"revoke\"")")}));
    EXPECT_FALSE(is_revoked({R"({"event":"revoke","serial":7})", R"({"event":"revoke")"}));
    EXPECT_FALSE(is_revoked({line("revoke", 1, "no hex")}));
}

}  // namespace
}  // namespace scepgate::server::this_file
