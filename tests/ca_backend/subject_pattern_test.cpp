#include "ca_backend/subject_pattern.hpp"

#include <gtest/gtest.h>

#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::GeneralNameType;
using testing::general_name;
using testing::GrantSpec;
using testing::make_grant;

GrantSpec laptop() {
    return {.subject = "CN=laptop-7,OU=Anything",
            .subject_alt_name = {general_name(GeneralNameType::kDns, "laptop-7.example"),
                                 general_name(GeneralNameType::kDns, "second.example"),
                                 general_name(GeneralNameType::kUpn, "ada@example"),
                                 general_name(GeneralNameType::kEmail, "ada@mail.example")},
            .device_id = "D-7",
            .user_id = "u-1"};
}

std::string built(std::string_view pattern, const GrantSpec& spec = laptop()) {
    const auto parsed = SubjectPattern::parse(pattern);
    if (!parsed) return "not parsed: " + parsed.error().detail;
    const auto name = parsed->build(source_of(make_grant(spec)));
    return name ? name->text() : name.error().code;
}

TEST(SubjectPatternTest, PutsGrantedClaimsIntoTheName) {
    EXPECT_EQ(built("CN={device_id},OU={user_id},O=Example"), "CN=D-7,OU=u-1,O=Example");
    EXPECT_EQ(built("CN={common_name},O=Example"), "CN=laptop-7,O=Example");
    EXPECT_EQ(built("CN=pc {dns},UID={upn},E={email}"),
              "CN=pc laptop-7.example,UID=ada@example,emailAddress=ada@mail.example");
}

TEST(SubjectPatternTest, LetsNoClaimAddAnAttributeOfItsOwn) {
    GrantSpec spec = laptop();
    for (const char* hostile : {"a,O=Other", "a+CN=b", "a;CN=b", "\"a\",O=b", " #0c0141", "#0c0141",
                                "a\\,O=b", "a\\", "<b>", "a/O=b", " a "}) {
        spec.device_id = hostile;
        const auto pattern = SubjectPattern::parse("CN=x {device_id},O=Example").value();
        const auto name = pattern.build(source_of(make_grant(spec)));
        ASSERT_TRUE(name) << hostile;
        ASSERT_EQ(name->rdns().size(), 2U) << hostile;
        ASSERT_EQ(name->rdns()[1].size(), 1U) << hostile;
        EXPECT_EQ(name->rdns()[0][0].value, "Example");
        EXPECT_EQ(name->rdns()[1][0].value, std::string("x ") + hostile);
        const auto alone =
            SubjectPattern::parse("CN={device_id}").value().build(source_of(make_grant(spec)));
        ASSERT_TRUE(alone) << hostile;
        EXPECT_EQ(alone->common_name(), hostile);
    }
}

TEST(SubjectPatternTest, RefusesAClaimThatWasNotGranted) {
    GrantSpec spec = laptop();
    spec.device_id.clear();
    EXPECT_EQ(built("CN={device_id}", spec), "SubjectClaimMissing");
    EXPECT_EQ(built("CN={sid}", spec), "SubjectClaimMissing");
}

TEST(SubjectPatternTest, RefusesAValueThatNoNameCanHold) {
    GrantSpec spec = laptop();
    spec.device_id = std::string(65, 'a');
    EXPECT_EQ(built("CN={device_id}", spec), "SubjectPatternUnfit") << "over 64 characters";
    spec.device_id = "a\x01";
    EXPECT_EQ(built("CN={device_id}", spec), "SubjectPatternUnfit") << "a control character";
}

TEST(SubjectPatternTest, IsNotParsedWhenItCouldNotBeBuiltAsItLooks) {
    for (const char* pattern : {"", "O=Example", "CN={serial}", "CN={device_id", "CN=device_id}",
                                "CN={}", "/CN={device_id}", "CN=\"{device_id}\"", "CN=#{device_id}",
                                "{device_id}=x", "2.5.4.{device_id}=x", "CN=\\{device_id}",
                                "CN={{device_id}}", "{device_id}", "C=DEU,CN={common_name}"}) {
        const auto parsed = SubjectPattern::parse(pattern);
        ASSERT_FALSE(parsed) << pattern;
        EXPECT_EQ(parsed.error().code, Errc::kConfig) << pattern;
    }
}

TEST(SubjectPatternTest, DoesNotLetNamesGrowWithEachRenewal) {
    for (const char* pattern : {"CN=dev-{common_name}", "CN={common_name}.example",
                                "CN={device_id},O={common_name}", "CN={common_name}{device_id}"})
        EXPECT_FALSE(SubjectPattern::parse(pattern)) << pattern;
}

TEST(SubjectPatternTest, NamesTheClaimsThatItNeeds) {
    const auto pattern = SubjectPattern::parse("CN={device_id},OU={upn}").value();
    EXPECT_EQ(pattern.claims(),
              (std::vector<SubjectClaim>{SubjectClaim::kDeviceId, SubjectClaim::kUpn}));
    EXPECT_EQ(pattern.sample().text(), "CN=x,OU=x");
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
