#include "policy/simple_modules.hpp"

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "policy/grant_maker.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

constexpr std::string_view kPassword = "correct horse battery";

StaticPasswordModule password_module() {
    return {"lab", Secret(kPassword)};
}

TEST(StaticPasswordModuleTest, GrantsTheNamesOfTheCsrAndLeavesUsagesToTheTemplate) {
    auto module = password_module();
    const EnrollmentRequest asked = request(matching_contents(kPassword));
    const auto grant = verify(module, asked);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().der(), asked.csr.subject().der());
    EXPECT_EQ(grant->subject_alt_name(), asked.csr.requested().subject_alt_name);
    EXPECT_EQ(grant->public_key(), asked.csr.public_key());
    EXPECT_EQ(grant->policy(), "lab");
    EXPECT_FALSE(grant->key_usage());
    EXPECT_FALSE(grant->extended_key_usage());
    EXPECT_FALSE(grant->redemption());
    EXPECT_FALSE(grant->sid());
    EXPECT_EQ(grant->stripped(), std::vector<std::string>{"extendedKeyUsage clientAuth"});
}

TEST(StaticPasswordModuleTest, C13_RefusesEveryOtherPassword) {
    auto module = password_module();
    for (const char* wrong : {"x", "correct horse batter", "correct horse battery ",
                              "Correct horse battery", "correct horse battery staple"}) {
        const auto refused = verify(module, request(matching_contents(wrong)));
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().code, "ChallengeMismatch");
        EXPECT_EQ(refused.error().fail_info, FailInfo::kBadMessageCheck);
        EXPECT_EQ(refused.error().text.find("horse"), std::string::npos);
    }
}

TEST(StaticPasswordModuleTest, C12_RefusesARequestWithoutPassword) {
    auto module = password_module();
    const auto refused = verify(module, request(matching_contents()));
    EXPECT_EQ(outcome(refused), "ChallengePasswordMissing");
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadMessageCheck) << "as a wrong one";
    StaticPasswordModule empty("lab", Secret());
    EXPECT_EQ(outcome(verify(empty, request(matching_contents()))), "ChallengePasswordMissing");
}

TEST(StaticPasswordModuleTest, MakesNoChallenges) {
    auto module = password_module();
    const auto made = minted(module, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::kUnsupported);
}

TEST(OpenModuleTest, GrantsWithoutAChallenge) {
    OpenModule module("open");
    EXPECT_EQ(outcome(verify(module, request(matching_contents()))), "ok");
}

struct Refused {
    const char* name;
    void (*change)(certs::CsrContents&);
    const char* code;
};

const Refused kRefused[] = {
    {"N09_SidExtension",
     [](certs::CsrContents& contents) {
         contents.more_extensions = {
             certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                     certs::encode_sid_extension("S-1-5-21-1-2-3-500"))};
     },
     "SidNotGranted"},
    {"N09_SidUri",
     [](certs::CsrContents& contents) {
         contents.subject_alt_name.push_back(sid_name("S-1-5-21-1-2-3-500"));
     },
     "SidNotGranted"},
    {"N09_SidUriInOtherCase",
     [](certs::CsrContents& contents) {
         contents.subject_alt_name.push_back(
             certs::GeneralName::make(certs::GeneralNameType::kUri,
                                      "TAG:Microsoft.com,2022-09-14:SID:S-1-5-21-1-2-3-500")
                 .value());
     },
     "SidNotGranted"},
    {"N05_CommonNameOverItsBound",
     [](certs::CsrContents& contents) {
         contents.subject = certs::Name::from_text("CN=" + std::string(65, 'a')).value();
     },
     "SubjectNameInvalid"},
    {"N06_EmptyCommonName",
     [](certs::CsrContents& contents) {
         contents.subject = certs::Name::from_text("CN=").value();
         contents.subject_alt_name.clear();
     },
     "SubjectNameInvalid"},
    {"N06_BlankCommonName",
     [](certs::CsrContents& contents) {
         contents.subject = certs::Name::from_text("/CN=   ").value();
         contents.subject_alt_name.clear();
     },
     "SubjectNameInvalid"},
    {"N06_NoNameAtAll",
     [](certs::CsrContents& contents) {
         contents.subject = {};
         contents.subject_alt_name.clear();
     },
     "SubjectNameMissing"},
};

class SimpleModulesTest : public ::testing::TestWithParam<Refused> {};

INSTANTIATE_TEST_SUITE_P(Names, SimpleModulesTest, ::testing::ValuesIn(kRefused),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(SimpleModulesTest, RefuseWhatNobodyGetsForTheAsking) {
    certs::CsrContents contents = matching_contents(kPassword);
    GetParam().change(contents);
    auto with_password = password_module();
    OpenModule open("open");
    EXPECT_EQ(outcome(verify(with_password, request(contents))), GetParam().code);
    const auto refused = verify(open, request(contents));
    EXPECT_EQ(outcome(refused), GetParam().code);
    if (refused.error().code != "SidNotGranted") return;
    EXPECT_EQ(refused.error().expected, "none");
    EXPECT_NE(refused.error().found.find("S-1-5-21-1-2-3-500"), std::string::npos);
}

TEST(SimpleModulesTest, CutAnAccountNameThatAStrangerMadeLong) {
    certs::CsrContents contents = matching_contents();
    contents.subject_alt_name.push_back(sid_name(std::string(4000, '1')));
    OpenModule open("open");
    const auto refused = verify(open, request(contents));
    ASSERT_EQ(outcome(refused), "SidNotGranted");
    EXPECT_LT(refused.error().found.size(), 510U);
    EXPECT_LT(refused.error().text.size(), 600U);
}

TEST(SimpleModulesTest, TakeAnEmptySubjectWithAnAlternativeName) {
    certs::CsrContents contents = matching_contents();
    contents.subject = {};
    OpenModule open("open");
    EXPECT_EQ(outcome(verify(open, request(contents))), "ok");
}

TEST(GrantMakerTest, MakesNoGrantWithoutAName) {
    const EnrollmentRequest asked = request(matching_contents());
    EXPECT_THROW((void)GrantMaker(asked, "x").make(), std::logic_error);
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
