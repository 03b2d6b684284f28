#include "server/http_forwarded.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

std::string client(const std::string& fields, std::string_view peer = "10.0.0.1") {
    std::vector<AddressPrefix> trusted;
    for (const char* text : {"10.0.0.0/8", "2001:db8:1::/48"}) {
        trusted.push_back(*AddressPrefix::parse(text));
    }
    const std::string octets = "GET / HTTP/1.1\r\n" + fields + "\r\n";
    ParsedHeader header;
    EXPECT_TRUE(parse_header(octets, header));
    return forwarded_client(header, peer, trusted);
}

TEST(HttpForwardedTest, H15_TakesTheRightmostHopThatIsNotTrusted) {
    EXPECT_EQ(client("X-Forwarded-For: 203.0.113.9\r\n"), "203.0.113.9");
    EXPECT_EQ(client("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.2.3.4\r\n"), "203.0.113.9");
    EXPECT_EQ(client("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.9\r\n"),
              "203.0.113.9");
    EXPECT_EQ(client("x-forwarded-for: 203.0.113.9:4711\r\n"), "203.0.113.9");
    EXPECT_EQ(client("X-Forwarded-For: [2001:db8:2::1]:4711\r\n"), "2001:db8:2::1");
    EXPECT_EQ(client("X-Forwarded-For: ::ffff:203.0.113.9\r\n"), "203.0.113.9");
    EXPECT_EQ(client("X-Forwarded-For: 203.0.113.9, 2001:db8:1::7\r\n"), "203.0.113.9");
}

TEST(HttpForwardedTest, H15_StopsAtWhatIsNotAnAddress) {
    EXPECT_EQ(client("X-Forwarded-For: 203.0.113.9, unknown\r\n"), "10.0.0.1");
    EXPECT_EQ(client("X-Forwarded-For: 203.0.113.9, <script>, 10.7.7.7\r\n"), "10.7.7.7");
    EXPECT_EQ(client("X-Forwarded-For:\r\n"), "10.0.0.1");
    EXPECT_EQ(client("X-Forwarded-For: 203.0.113.9,\r\n"), "10.0.0.1");
    EXPECT_EQ(client(""), "10.0.0.1");
}

TEST(HttpForwardedTest, TakesTheFirstHopWhenAllAreTrusted) {
    EXPECT_EQ(client("X-Forwarded-For: 10.9.9.9, 10.2.3.4\r\n"), "10.9.9.9");
}

TEST(HttpForwardedTest, ReadsForwardedWhenThereIsNoXForwardedFor) {
    EXPECT_EQ(client("Forwarded: for=6.6.6.6, for=203.0.113.9;proto=https;by=10.0.0.1\r\n"),
              "203.0.113.9");
    EXPECT_EQ(client("Forwarded: proto=http;For=\"[2001:db8:2::1]:80\"\r\n"), "2001:db8:2::1");
    EXPECT_EQ(client("Forwarded: for=_hidden\r\n"), "10.0.0.1");
}

TEST(HttpForwardedTest, H15_BelievesBothHeadersOnlyWhereTheyAgree) {
    const std::string forwarded = "Forwarded: for=203.0.113.9\r\n";
    EXPECT_EQ(client("X-Forwarded-For: 6.6.6.6\r\n" + forwarded), "10.0.0.1");
    EXPECT_EQ(client(forwarded + "X-Forwarded-For: 6.6.6.6\r\n"), "10.0.0.1");
    EXPECT_EQ(client("X-Forwarded-For: 10.2.3.4\r\n" + forwarded), "10.0.0.1");
    EXPECT_EQ(client("X-Forwarded-For:\r\n" + forwarded), "10.0.0.1");
    EXPECT_EQ(client("X-Forwarded-For: 203.0.113.9, 10.2.3.4\r\n" + forwarded), "203.0.113.9");
    EXPECT_EQ(client("X-Forwarded-For: unknown\r\nForwarded: for=_hidden\r\n"), "10.0.0.1");
}

TEST(HttpForwardedTest, H15_AnUnclosedQuoteBeforeTheProxysEntryChangesNothing) {
    EXPECT_EQ(client("Forwarded: for=\"6.6.6.6, for=203.0.113.9\r\n"), "203.0.113.9");
}

}  // namespace
}  // namespace scepgate::server::this_file
