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
