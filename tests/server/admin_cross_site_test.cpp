#include <gtest/gtest.h>

#include "server/admin/cross_site.hpp"

namespace scepgate::server::admin::this_file {
namespace {

std::string_view evidence(const char* host, const char* site, const char* origin,
                          const char* referer) {
    HttpDetails details;
    details.host = host;
    details.sec_fetch_site = site;
    details.origin = origin;
    details.referer = referer;
    return cross_site_evidence(details);
}

TEST(CrossSiteTest, AProgramSendsNothingAndIsLetIn) {
    EXPECT_EQ(evidence("admin.example", "", "", ""), "");
    EXPECT_EQ(evidence("", "", "", ""), "");
}

TEST(CrossSiteTest, ABrowserThatWasToldTheAddressIsLetIn) {
    EXPECT_EQ(evidence("admin.example", "none", "", ""), "");
    EXPECT_EQ(evidence("admin.example", "same-origin", "https://admin.example",
                       "https://admin.example/certsrv/mscep_admin/"),
              "");
}

TEST(CrossSiteTest, AForeignPageIsToldByEachOfThreeFields) {
    EXPECT_EQ(evidence("a.example", "cross-site", "", ""), "Sec-Fetch-Site");
    EXPECT_EQ(evidence("a.example", "same-site", "", ""), "Sec-Fetch-Site");
    EXPECT_EQ(evidence("a.example", "", "https://evil.example", ""), "Origin");
    EXPECT_EQ(evidence("a.example", "", "null", ""), "Origin");
    EXPECT_EQ(evidence("a.example", "", "", "https://evil.example/a.example"), "Referer");
}

TEST(CrossSiteTest, NamesThatOnlyLookAlikeAreForeign) {
    for (const char* origin :
         {"https://a.example.evil", "https://evil-a.example", "https://a.example@evil.example",
          "https://evil.example#a.example", "ftp://a.example", "https://", "a.example",
          "https://a.example:8443", "https://evil.example?https://a.example"}) {
        EXPECT_EQ(evidence("a.example", "", origin, ""), "Origin") << origin;
    }
}

TEST(CrossSiteTest, ThePortOfTheSchemeMayBeWrittenOrNot) {
    EXPECT_EQ(evidence("a.example", "", "https://a.example:443", ""), "");
    EXPECT_EQ(evidence("A.example:443", "", "https://a.EXAMPLE", ""), "");
    EXPECT_EQ(evidence("127.0.0.1:8081", "", "http://127.0.0.1:8081", ""), "");
    EXPECT_EQ(evidence("[::1]:8081", "", "http://[::1]:8081", "http://[::1]:8081/x"), "");
}

}  // namespace
}  // namespace scepgate::server::admin::this_file
