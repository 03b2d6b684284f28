#include "policy/name_ranges.hpp"

#include <gtest/gtest.h>

namespace scepgate::policy::testing::this_file {
namespace {

using Below = DomainRange::Below;

struct DomainCase {
    const char* range;
    const char* host;
    bool contained;
};

TEST(DomainRangeTest, ComparesWholeLabelsWithoutCase) {
    const DomainCase cases[] = {
        {"example.com", "example.com", true},
        {"example.com", "EXAMPLE.Com", true},
        {"Example.COM", "host.example.com", true},
        {"example.com", "a.b.example.com", true},
        {"example.com", "notexample.com", false},
        {"example.com", "example.com.evil.net", false},
        {"example.com", "com", false},
        {"example.com", "example.co", false},
        {"example.com", "example-com", false},
        {"example.com", ".example.com", false},
        {"example.com", "host..example.com", false},
        {"example.com", "example.com.", false},
        {"example.com", "host.example.com.", false},
        {"example.com", "", false},
        {"example.com", "*.example.com", true},
        {"example.com", "*.com", false},
        {"example.com", "*.evil.com", false},
        {"example.com", "*example.com", false},
        {"example.com", "*.*.example.com", false},
        {"example.com", "ex\xC3\xA4mple.com", false},
        {"xn--bcher-kva.example", "XN--BCHER-KVA.example", true},
        {"xn--bcher-kva.example",
         "b\xC3\xBC"
         "cher.example",
         false},
        {".example.com", "example.com", false},
        {".example.com", "host.example.com", true},
        {".example.com", "*.example.com", true},
        {".example.com", "notexample.com", false},
        {"localhost", "localhost", true},
    };
    for (const DomainCase& at : cases) {
        const auto range = DomainRange::parse(at.range, Below::kIncluded);
        ASSERT_TRUE(range) << at.range;
        EXPECT_EQ(range->contains(at.host), at.contained) << at.range << " and " << at.host;
    }
}

TEST(DomainRangeTest, N04_NeverContainsANameWithNul) {
    const auto range = DomainRange::parse("example.com", Below::kIncluded).value();
    EXPECT_FALSE(range.contains(std::string_view("evil.net\0.example.com", 21)));
    EXPECT_FALSE(range.contains(std::string_view("host.example.com\0", 17)));
}

TEST(DomainRangeTest, TakesOnlyTheNameItselfWhereNothingBelowIsMeant) {
    const auto exact = DomainRange::parse("example.com", Below::kOnlyWithDot).value();
    EXPECT_TRUE(exact.contains("Example.com"));
    EXPECT_FALSE(exact.contains("hr.example.com"));
    const auto below = DomainRange::parse(".example.com", Below::kOnlyWithDot).value();
    EXPECT_TRUE(below.contains("hr.example.com"));
    EXPECT_FALSE(below.contains("example.com"));
}

TEST(DomainRangeTest, RefusesWhatIsNoDomain) {
    for (const char* text :
         {"", ".", "..example.com", "*.example.com", "example.com.", "exa mple.com",
          "b\xC3\xBC"
          "cher.example",
          "user@example.com", "https://example.com", "192.0.2.1"}) {
        const auto range = DomainRange::parse(text, Below::kIncluded);
        ASSERT_FALSE(range) << text;
        EXPECT_EQ(range.error().code, Errc::kConfig);
    }
}

TEST(DomainOfAccountTest, IsBehindTheOnlyAt) {
    EXPECT_EQ(domain_of_account("user@example.com"), "example.com");
    for (const char* text :
         {"user", "@example.com", "user@", "user@evil.net@example.com", "user@@example.com",
          "user@example.com.", "user@exa mple.com", "user@*.example.com"}) {
        EXPECT_FALSE(domain_of_account(text)) << text;
    }
    EXPECT_FALSE(domain_of_account(std::string_view("user@evil.net\0@example.com", 26)));
    EXPECT_FALSE(domain_of_account(std::string_view("user@example.com\0", 17)));
}

struct IpCase {
    const char* range;
    const char* address;
    bool contained;
};

TEST(IpRangeTest, ContainsTheAddressesOfTheNetwork) {
    const IpCase cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", false},
        {"::/0", "::ffff:10.0.0.1", false},
        {"10.0.0.0/8", "::ffff:10.0.0.1", true},
        {"10.0.0.0/8", "::ffff:8.8.8.8", false},
        {"10.0.0.0/8", "::ffff:a00:1", true},
        {"10.0.0.0/8", "::10.0.0.1", false},
        {"10.0.0.0/8", "10.0.0.1x", false},
        {"10.0.0.0/8", "010.0.0.1", false},
        {"10.0.0.0/8", "10.1", false},
        {"10.0.0.0/8", "", false},
    };
    for (const IpCase& at : cases) {
        const auto range = IpRange::parse(at.range);
        ASSERT_TRUE(range) << at.range;
        EXPECT_EQ(range->contains(at.address), at.contained) << at.range << " and " << at.address;
    }
    EXPECT_FALSE(IpRange::parse("10.0.0.0/8")->contains(std::string_view("10.0.0.1\0", 9)));
}

TEST(IpRangeTest, RefusesWhatIsNoNetwork) {
    for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                             "10.0.0.1/8", "2001:db8::/129", "2001:db8::1/32",
                             "::ffff:10.0.0.0/104", "example.com", "10.0.0.0-10.0.0.9"}) {
        const auto range = IpRange::parse(text);
        ASSERT_FALSE(range) << text;
        EXPECT_EQ(range.error().code, Errc::kConfig);
    }
}

struct UriCase {
    const char* range;
    const char* uri;
    bool contained;
};

TEST(UriRangeTest, ComparesByPartsNotByLetters) {
    const UriCase cases[] = {
        {"https://a.example", "https://a.example", true},
        {"https://a.example", "https://a.example/", true},
        {"https://a.example/", "https://a.example", true},
        {"https://a.example", "https://a.example/any/path?q=1#f", true},
        {"https://a.example", "HTTPS://A.Example/x", true},
        {"https://a.example", "https://a.example:443/x", true},
        {"https://a.example:443", "https://a.example/x", true},
        {"https://a.example", "https://a.example:8443/x", false},
        {"https://a.example:8443/", "https://a.example:8443/x", true},
        {"https://a.example", "http://a.example/", false},
        {"https://a.example", "https://a.example.evil.com/", false},
        {"https://a.example", "https://a.example@evil.com/", false},
        {"https://a.example", "https://user@a.example/", false},
        {"https://a.example", "https://user:a@a.example/", false},
        {"https://a.example", "https://evil.com/https://a.example", false},
        {"https://a.example", "https://evil.com#@a.example/", false},
        {"https://a.example", "https://evil.com?@a.example/", false},
        {"https://a.example", "https://evil.com\\@a.example/", false},
        {"https://a.example", "https://a.example\\.evil.com/", false},
        {"https://a.example", "https:\\\\a.example/", false},
        {"https://a.example", "https:/a.example/", false},
        {"https://a.example", "https:a.example", false},
        {"https://a.example", "https:///a.example/", false},
        {"https://a.example", "https://sub.a.example/", false},
        {"https://a.example", "https://a.example./", false},
        {"https://a.example", "https://%61.example/", false},
        {"https://a.example", "https://a%2eexample/", false},
        {"https://a.example", "https://a.example%00.evil.com/", false},
        {"https://a.example", "https://a.example:/", false},
        {"https://a.example", "https://a.example:0443/", false},
        {"https://a.example", "https://a.example:99999/", false},
        {"https://a.example", "https://a.example:443x/", false},
        {"https://a.example", "https://a.example:80:443/", false},
        {"https://a.example/devices", "https://a.example/devices", true},
        {"https://a.example/devices", "https://a.example/devices/1", true},
        {"https://a.example/devices", "https://a.example/devices?id=1", true},
        {"https://a.example/devices", "https://a.example/devices-evil", false},
        {"https://a.example/devices", "https://a.example/DEVICES/1", false},
        {"https://a.example/devices", "https://a.example/", false},
        {"https://a.example/devices", "https://a.example?/devices/", false},
        {"https://a.example/devices/", "https://a.example/devices", false},
        {"https://a.example/devices/", "https://a.example/devices/1", true},
        {"https://a.example/devices/", "https://a.example/devices/../admin", false},
        {"https://a.example/devices/", "https://a.example/devices/..", false},
        {"https://a.example/devices/", "https://a.example/devices/./1", false},
        {"https://a.example/devices/", "https://a.example/devices/%2e%2e/admin", false},
        {"https://a.example/devices/", "https://a.example/devices/%2E./admin", false},
        {"https://a.example/devices/", "https://a.example/devices/..%2fadmin", false},
        {"https://a.example/devices/", "https://a.example/devices/..\\admin", false},
        {"https://a.example/devices/", "https://a.example/devices/%252e%252e/admin", false},
        {"https://a.example/devices/", "https://a.example/devices/%0", false},
        {"https://a.example/devices/", "https://a.example/devices/%zz", false},
        {"https://a.example/devices/", "https://a.example/devices/%20x", true},
        {"https://a.example/devices/", "https://a.example/devices/1?..", true},
        {"https://192.0.2.1/", "https://192.0.2.1/x", true},
        {"https://192.0.2.1/", "https://3221225985/x", false},
        {"https://127.0.0.1/", "https://127.1/", false},
        {"https://[2001:db8::1]/", "https://[2001:DB8:0::1]/x", true},
        {"https://[2001:db8::1]/", "https://[2001:db8::2]/x", false},
        {"https://[2001:db8::1]/", "https://[2001:db8::1/x", false},
        {"https://[2001:db8::1]/", "https://[2001:db8::1%25eth0]/x", false},
        {"spiffe://trust.example/device/", "spiffe://trust.example/device/1", true},
        {"spiffe://trust.example/device/", "spiffe://other.example/device/1", false},
        {"urn:example:device:", "urn:example:device:1", true},
        {"urn:example:device:", "URN:example:device:1", true},
        {"urn:example:device:", "urn:example:device", false},
        {"urn:example:device", "urn:example:device:1", true},
        {"urn:example:device", "urn:example:device", true},
        {"urn:example:device", "urn:example:devices:1", false},
        {"urn:example:device:", "urn:example:user:1", false},
        {"urn:uuid:", "https://urn:uuid:", false},
        {"tag:mdm.example,2024:", "tag:mdm.example,2024:1", true},
        {"tag:mdm.example,2024", "tag:mdm.example,20249:1", false},
    };
    for (const UriCase& at : cases) {
        const auto range = UriRange::parse(at.range);
        ASSERT_TRUE(range) << at.range << ": " << range.error().detail;
        EXPECT_EQ(range->contains(at.uri), at.contained) << at.range << " and " << at.uri;
    }
}

TEST(UriRangeTest, N04_NeverContainsAUriWithNul) {
    const auto range = UriRange::parse("https://a.example").value();
    EXPECT_FALSE(range.contains(std::string_view("https://a.example\0.evil.com/", 28)));
    EXPECT_FALSE(range.contains(std::string_view("https://a.example/\0", 19)));
}

TEST(UriRangeTest, RefusesAPrefixThatIsNotClear) {
    for (const char* text :
         {"", "https", "https:", "https://", "https:///path", "a.example/devices",
          "https://user@a.example/", "https://a.example/?q", "https://a.example/#f",
          "https://a.example/..", "https://a.example/%41", "https://*.a.example/",
          "https://a.example./", "urn:"}) {
        const auto range = UriRange::parse(text);
        ASSERT_FALSE(range) << text;
        EXPECT_EQ(range.error().code, Errc::kConfig);
    }
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
