#include <regex>

#include <gtest/gtest.h>

#include "server/admin/ndes_page.hpp"
#include "server/config_admin.hpp"

namespace scepgate::server::admin::this_file {
namespace {

constexpr std::string_view kThumbprint = "A656FA66 AB12B433 A2DA5CF7 CC153D9A";
constexpr std::string_view kPassword = "1ED0DD50F7459D6E";

/// As a program on Windows reads octets without a byte order mark.
std::string from_utf16le(const Bytes& octets) {
    EXPECT_EQ(octets.size() % 2, 0U);
    std::string text;
    for (std::size_t i = 0; i + 1 < octets.size(); i += 2) {
        EXPECT_EQ(octets[i + 1], 0);
        text.push_back(static_cast<char>(octets[i]));
    }
    return text;
}

std::string served_page() {
    return from_utf16le(to_utf16le(password_page({kThumbprint, kPassword, 60})));
}

TEST(NdesPageTest, HasNoByteOrderMark) {
    const Bytes octets = to_utf16le(password_page({kThumbprint, kPassword, 60}));
    ASSERT_GT(octets.size(), 4U);
    EXPECT_EQ(octets[0], '<');
    EXPECT_EQ(octets[1], 0);
}

TEST(NdesPageTest, SaysWordForWordWhatNdesSays) {
    EXPECT_NE(served_page().find(
                  "The thumbprint (hash value) for the CA certificate is: <B> A656FA66 AB12B433 "
                  "A2DA5CF7 CC153D9A </B> <P> The enrollment challenge password is: <B> "
                  "1ED0DD50F7459D6E </B> <P> This password can be used only once and will expire "
                  "within 60 minutes. <P> Each enrollment requires a new challenge password. You "
                  "can refresh this web page to obtain a new challenge password. </P>"),
              std::string::npos);
}

TEST(NdesPageTest, FleetFindsThePassword) {
    const std::string page = served_page();
    std::smatch match;
    ASSERT_TRUE(std::regex_search(
        page, match,
        std::regex(R"(The enrollment challenge password is: <B> (\S*))", std::regex::icase)));
    EXPECT_EQ(match[1].str(), kPassword);
}

TEST(NdesPageTest, TheFirstRunOfSixteenDigitsIsThePassword) {
    const std::string page = served_page();
    std::smatch match;
    ASSERT_TRUE(std::regex_search(page, match, std::regex("[A-F0-9]{16}")));
    EXPECT_EQ(match[0].str(), kPassword);
}

TEST(NdesPageTest, AScraperThatCutsAtTheNextSentenceFindsThePassword) {
    for (const std::int64_t minutes : {60, 0}) {
        const std::string page = password_page({kThumbprint, kPassword, minutes});
        const std::string before = "The enrollment challenge password is: <B> ";
        const std::string after =
            minutes > 0 ? " </B> <P> This password can be used only once"
                        : " </B> <P> This password can be used multiple times and will not expire.";
        const auto start = page.find(before) + before.size();
        const auto end = page.find(after);
        ASSERT_NE(end, std::string::npos);
        EXPECT_EQ(page.substr(start, end - start), kPassword);
    }
}

TEST(NdesPageTest, ASinglePasswordDoesNotSayThatItExpires) {
    const std::string page = password_page({kThumbprint, kPassword, 0});
    EXPECT_NE(page.find("will not expire"), std::string::npos);
    EXPECT_EQ(page.find("minutes"), std::string::npos);
}

TEST(NdesPageTest, OtherPagesHaveTheWordsThatScrapersLookForAndNoPassword) {
    EXPECT_NE(cache_full_page(60).find("The password cache is full."), std::string::npos);
    EXPECT_NE(no_permission_page().find("You do not have sufficient permission to enroll with "
                                        "SCEP.  Please contact your system administrator."),
              std::string::npos);
    for (const auto& page : {cache_full_page(60), no_permission_page()}) {
        EXPECT_EQ(page.find("challenge password is"), std::string::npos);
        EXPECT_FALSE(std::regex_search(page, std::regex("[A-F0-9]{16}")));
    }
}

TEST(NdesPageTest, AnEndpointsPathLeadsToItsPage) {
    EXPECT_EQ(mscep_admin_path("/certsrv/mscep/mscep.dll"), "/certsrv/mscep_admin");
    EXPECT_EQ(mscep_admin_path("/certsrv/mscep"), "/certsrv/mscep_admin");
    EXPECT_EQ(mscep_admin_path("/scep"), "/scep_admin");
}

}  // namespace
}  // namespace scepgate::server::admin::this_file
