// Dates of HTTP header fields.
#include "server/http_date.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

TEST(HttpDateTest, IsWrittenAsRfc9110Has) {
    EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(1'709'164'800), "Thu, 29 Feb 2024 00:00:00 GMT");
    EXPECT_EQ(http_date(-1), "Thu, 01 Jan 1970 00:00:00 GMT") << "no clock shows it";
}

// RFC 9110 section 5.6.7 has these three.
TEST(HttpDateTest, IsKnownInEachOfItsForms) {
    constexpr std::int64_t kTime = 784'111'777;
    EXPECT_TRUE(is_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kTime));
    EXPECT_TRUE(is_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kTime));
    EXPECT_TRUE(is_http_date("Sun Nov  6 08:49:37 1994", kTime));
    for (const char* other :
         {"", "Sun, 06 Nov 1994 08:49:38 GMT", "Sun, 06 Nov 1994 08:49:36 GMT",
          "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT; length=7",
          "sun, 06 nov 1994 08:49:37 gmt", "784111777"}) {
        EXPECT_FALSE(is_http_date(other, kTime)) << other;
    }
}

TEST(HttpDateTest, TheFieldOfRepliesFollowsTheClock) {
    DateField field;
    EXPECT_EQ(field.at(0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    EXPECT_EQ(field.at(784'111'777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    EXPECT_EQ(field.at(784'111'778), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    EXPECT_EQ(field.at(-1), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    const std::string now(field.now());
    EXPECT_NE(now, field.at(0));
}

}  // namespace
}  // namespace scepgate::server::this_file
