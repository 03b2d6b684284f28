#include "bench/url.hpp"

#include <gtest/gtest.h>

namespace scepgate::bench::this_file {
namespace {

TEST(UrlTest, ReadsHostPortAndPath) {
    const auto url = Url::parse("http://scep.example:8080/certsrv/mscep/mscep.dll");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "scep.example");
    EXPECT_EQ(url->port, "8080");
    EXPECT_EQ(url->target, "/certsrv/mscep/mscep.dll");
    EXPECT_EQ(url->authority(), "scep.example:8080");
}

TEST(UrlTest, FillsInPortAndPath) {
    const auto url = Url::parse("http://scep.example");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->port, "80");
    EXPECT_EQ(url->target, "/");
    EXPECT_EQ(url->authority(), "scep.example");
}

TEST(UrlTest, TakesAnIpv6AddressInBrackets) {
    const auto url = Url::parse("http://[::1]:8080/scep");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "[::1]");
    EXPECT_EQ(url->port, "8080");
}

TEST(UrlTest, RefusesWhatItCannotMeasure) {
    EXPECT_FALSE(Url::parse("https://scep.example/scep"));
    EXPECT_FALSE(Url::parse("scep.example/scep"));
    EXPECT_FALSE(Url::parse("http://:8080/scep"));
    EXPECT_FALSE(Url::parse("http://scep.example:/scep"));
}

TEST(UrlTest, WritesAGetWithTheMessagePercentEncoded) {
    const Url url{"h", "80", "/scep"};
    // 0xFB 0xFF is "+/8=" in base64: every character that a query must not hold as it stands.
    EXPECT_EQ(pki_operation_get(url, Bytes{0xFB, 0xFF}),
              "GET /scep?operation=PKIOperation&message=%2B%2F8%3D HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(UrlTest, WritesAPostWithItsLength) {
    const Url url{"h", "8080", "/scep?profile=1"};
    EXPECT_EQ(pki_operation_post(url, as_bytes("abc")),
              "POST /scep?profile=1&operation=PKIOperation HTTP/1.1\r\nHost: h:8080\r\n"
              "Content-Type: application/x-pki-message\r\nContent-Length: 3\r\n\r\nabc");
}

}  // namespace
}  // namespace scepgate::bench::this_file
