#include "server/http_settings.hpp"

#include <gtest/gtest.h>

#include "server/http_address.hpp"

namespace scepgate::server::this_file {
namespace {

bool within(std::string_view prefix, std::string_view address) {
    const auto parsed = AddressPrefix::parse(prefix);
    EXPECT_TRUE(parsed) << prefix;
    return parsed && parsed->contains(address);
}

TEST(AddressPrefixTest, ContainsWhatSharesItsBits) {
    EXPECT_TRUE(within("10.0.0.0/8", "10.255.0.1"));
    EXPECT_FALSE(within("10.0.0.0/8", "11.0.0.1"));
    EXPECT_TRUE(within("192.0.2.128/25", "192.0.2.129"));
    EXPECT_FALSE(within("192.0.2.128/25", "192.0.2.127"));
    EXPECT_TRUE(within("127.0.0.1", "127.0.0.1"));
    EXPECT_FALSE(within("127.0.0.1", "127.0.0.2"));
    EXPECT_TRUE(within("2001:db8::/33", "2001:db8:7fff::1"));
    EXPECT_FALSE(within("2001:db8::/33", "2001:db8:8000::1"));
    EXPECT_TRUE(within("0.0.0.0/0", "203.0.113.9"));
    EXPECT_FALSE(within("0.0.0.0/0", "::1")) << "all of IPv4 is not all";
    EXPECT_FALSE(within("::1", "no address"));
}

TEST(AddressPrefixTest, TakesIpv4InIpv6ForIpv4) {
    EXPECT_TRUE(within("10.0.0.0/8", "::ffff:10.1.1.1"));
    EXPECT_TRUE(within("::ffff:10.0.0.0/104", "10.1.1.1"));
}

TEST(AddressPrefixTest, RefusesWhatIsNotAPrefix) {
    for (const char* text :
         {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0/8", "host",
          "unix:/run/x", "::/129", "10.1.2.3/8", "::ffff:0.0.0.0/90"}) {
        const auto parsed = AddressPrefix::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kConfig);
    }
}

TEST(EndpointTest, ReadsAddressAndPort) {
    for (const char* text : {"127.0.0.1:8080", "[::1]:0", "0.0.0.0:65535"}) {
        const auto endpoint = parse_endpoint(text);
        ASSERT_TRUE(endpoint) << text;
        EXPECT_EQ(endpoint_text(*endpoint), text);
    }
    for (const char* text : {"", "8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:65536",
                             "127.0.0.1:", "::1:80", "[127.0.0.1]:80", "[::1]", "127.0.0.1:80 "}) {
        EXPECT_FALSE(parse_endpoint(text)) << text;
    }
}

}  // namespace
}  // namespace scepgate::server::this_file
