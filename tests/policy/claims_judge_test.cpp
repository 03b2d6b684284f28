// One change to a claim or to the CSR, one code. Two tables: what is changed in the claims, and
// what is changed in the request.
#include "policy/claims_judge.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

using certs::GeneralName;
using certs::GeneralNameType;
using certs::Name;
using enum certs::KeyUsageBit;

std::string verdict(const ChallengeClaims& claims, const EnrollmentRequest& asked,
                    std::int64_t now = kNow) {
    const auto refusal = judge_claims(settings(), claims, asked, now);
    return refusal ? refusal->code : "ok";
}

Name name(const char* text) {
    return Name::from_text(text).value();
}

GeneralName san(GeneralNameType type, const char* value) {
    return GeneralName::make(type, value).value();
}

Bytes usage(const char* text) {
    return certs::extended_key_usage_from_text(text).value();
}

struct ClaimChange {
    const char* name;
    std::function<void(ChallengeClaims&)> change;
    const char* code;
    FailInfo fail_info = FailInfo::kBadRequest;
};

constexpr FailInfo kBlob = FailInfo::kBadMessageCheck;
constexpr const char* kSid = "S-1-5-21-1-2-3-1001";
constexpr const char* kSidUri = "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1001";

const ClaimChange kClaimChanges[] = {
    {"Nothing", [](auto&) {}, "ok"},
    {"C02_ExpiresBeforeItStarts", [](auto& c) { c.expires = c.not_before - 1; },
     "ChallengeInvalidTimestamp", kBlob},
    {"C02_ExpiresAsItStarts", [](auto& c) { c.expires = c.not_before; },
     "ChallengeInvalidTimestamp", kBlob},
    {"C02_LivesTooLong", [](auto& c) { c.expires = c.not_before + 31 * 86400 + 1; },
     "ChallengeInvalidTimestamp", kBlob},
    {"C02_LivesAsLongAsAllowed", [](auto& c) { c.expires = c.not_before + 31 * 86400; }, "ok"},
    {"C02_YearNineThousand", [](auto& c) { c.expires = 253'402'300'799; },
     "ChallengeInvalidTimestamp", kBlob},
    {"C02_IssuedInTheFuture", [](auto& c) { c.issued_at = kNow + 301; },
     "ChallengeInvalidTimestamp", kBlob},
    {"C02_IssuedWithinTheSkew", [](auto& c) { c.issued_at = kNow + 300; }, "ok"},
    {"C02_NotYetValid", [](auto& c) { c.not_before = kNow + 301; }, "ChallengeNotYetValid", kBlob},
    {"C02_ValidWithinTheSkew", [](auto& c) { c.not_before = kNow + 300; }, "ok"},
    {"C02_Expired",
     [](auto& c) {
         c.not_before = kNow - 1000;
         c.expires = kNow - 301;
     },
     "ChallengeExpired", kBlob},
    {"C02_ExpiredWithinTheSkew",
     [](auto& c) {
         c.not_before = kNow - 1000;
         c.expires = kNow - 300;
     },
     "ok"},
    {"C03_OtherAudience", [](auto& c) { c.audience = "https://scep.example/other"; },
     "AudienceMismatch", kBlob},
    {"C03_AudienceWithSlash", [](auto& c) { c.audience += "/"; }, "AudienceMismatch", kBlob},
    {"C03_AudienceInOtherCase", [](auto& c) { c.audience = "HTTPS://scep.example/mdm"; },
     "AudienceMismatch", kBlob},
    {"N05_OtherCommonName", [](auto& c) { c.subject = name("CN=device-0002,O=Example Ltd"); },
     "SubjectNameMismatch"},
    {"N05_OneMoreRdn", [](auto& c) { c.subject = name("CN=device-0001,OU=a,O=Example Ltd"); },
     "SubjectNameMismatch"},
    {"N05_OneRdnLess", [](auto& c) { c.subject = name("CN=device-0001"); }, "SubjectNameMismatch"},
    {"N01_ReverseOrder", [](auto& c) { c.subject = name("O=Example Ltd,CN=device-0001"); },
     "SubjectNameMismatch"},
    {"N01_OneMultiValuedRdn", [](auto& c) { c.subject = name("CN=device-0001+O=Example Ltd"); },
     "SubjectNameMismatch"},
    {"N02_CaseAndSpacesFold", [](auto& c) { c.subject = name("cn=DEVICE-0001,o=example  ltd"); },
     "ok"},
    {"N06_NoSubject", [](auto& c) { c.subject = Name(); }, "SubjectNameMismatch"},
    {"N07_OtherUpn",
     [](auto& c) { c.subject_alt_name[1] = san(GeneralNameType::kUpn, "admin@example.com"); },
     "SubjectAltNameMismatch"},
    {"N07_EmailInsteadOfUpn",
     [](auto& c) { c.subject_alt_name[1] = san(GeneralNameType::kEmail, "user@example.com"); },
     "SubjectAltNameMismatch"},
    {"N07_OneNameMore",
     [](auto& c) { c.subject_alt_name.push_back(san(GeneralNameType::kIp, "192.0.2.1")); },
     "SubjectAltNameMismatch"},
    {"N07_OneNameLess", [](auto& c) { c.subject_alt_name.pop_back(); }, "SubjectAltNameMismatch"},
    {"N07_OneNameTwice", [](auto& c) { c.subject_alt_name.push_back(c.subject_alt_name.front()); },
     "SubjectAltNameMismatch"},
    {"N07_NoNames", [](auto& c) { c.subject_alt_name.clear(); }, "SubjectAltNameMismatch"},
    {"N07_OrderDoesNotCount",
     [](auto& c) { std::swap(c.subject_alt_name[0], c.subject_alt_name[1]); }, "ok"},
    {"N07_DnsCaseDoesNotCount",
     [](auto& c) { c.subject_alt_name[0] = san(GeneralNameType::kDns, "DEVICE-0001.example.COM"); },
     "ok"},
    {"N11_KeyUsageNarrower", [](auto& c) { c.key_usage = certs::KeyUsage{kDigitalSignature}; },
     "KeyUsageMismatch"},
    {"N11_KeyUsageWider",
     [](auto& c) {
         c.key_usage = certs::KeyUsage{kDigitalSignature, kKeyEncipherment, kNonRepudiation};
     },
     "KeyUsageMismatch"},
    {"N11_KeyUsageNotClaimed", [](auto& c) { c.key_usage.reset(); }, "KeyUsageMismatch"},
    {"KeyUsageLeftToTheTemplate",
     [](auto& c) {
         c.key_usage.reset();
         c.template_name = "DeviceGeneral";
     },
     "ok"},
    {"KeyUsageLeftToThePurpose",
     [](auto& c) {
         c.key_usage.reset();
         c.purpose = certs::Purpose::kGeneralPurpose;
     },
     "ok"},
    {"OtherPurpose", [](auto& c) { c.purpose = certs::Purpose::kSignature; }, "PurposeMismatch"},
    {"OtherPurposeWithoutKeyUsage",
     [](auto& c) {
         c.key_usage.reset();
         c.purpose = certs::Purpose::kEncryption;
     },
     "PurposeMismatch"},
    {"ThePurpose", [](auto& c) { c.purpose = certs::Purpose::kGeneralPurpose; }, "ok"},
    {"N11_OtherExtendedKeyUsage", [](auto& c) { c.extended_key_usage = {{usage("serverAuth")}}; },
     "EnhancedKeyUsageMismatch"},
    {"N11_OneExtendedKeyUsageMore",
     [](auto& c) { c.extended_key_usage->push_back(usage("emailProtection")); },
     "EnhancedKeyUsageMismatch"},
    {"N11_ExtendedKeyUsageNotClaimed", [](auto& c) { c.extended_key_usage.reset(); }, "ok"},
    {"KeyOfAnotherType",
     [](auto& c) {
         c.key.types = {"ec:p256", "ec:p384"};
     },
     "KeyTypeMismatch"},
    {"KeyTooShort", [](auto& c) { c.key.minimum_bits = 2056; }, "KeyLengthMismatch"},
    {"KeyJustLongEnough", [](auto& c) { c.key.minimum_bits = 2048; }, "ok"},
    {"KeyOfAnyType", [](auto& c) { c.key = {}; }, "ok"},
    {"TheRegisteredKey",
     [](auto& c) { c.key.spki_sha256 = to_hex(sha256(private_key("device").public_key().spki())); },
     "ok"},
    {"AnotherRegisteredKey", [](auto& c) { c.key.spki_sha256 = std::string(64, '0'); },
     "RegisteredKeyMismatch"},
    {"C03_ForAnotherEndpoint",
     [](auto& c) {
         c.endpoints = {"/guest", "/SCEP", "/scep/"};
     },
     "EndpointMismatch", kBlob},
    {"ForTheEndpoint", [](auto& c) { c.endpoints = {"/scep"}; }, "ok"},
    {"ForTheEndpointAmongOthers",
     [](auto& c) {
         c.endpoints = {"/guest", "/scep"};
     },
     "ok"},
    {"N09_SidClaimedAndNotAskedFor", [](auto& c) { c.sid = kSid; }, "ok"},
};

class ClaimsTest : public ::testing::TestWithParam<ClaimChange> {};

INSTANTIATE_TEST_SUITE_P(Changed, ClaimsTest, ::testing::ValuesIn(kClaimChanges),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(ClaimsTest, AreJudged) {
    ChallengeClaims claims = testing::claims();
    GetParam().change(claims);
    const auto refusal = judge_claims(settings(), claims, request(matching_contents()), kNow);
    EXPECT_EQ(refusal ? refusal->code : "ok", GetParam().code) << (refusal ? refusal->text : "");
    if (refusal) {
        EXPECT_EQ(refusal->fail_info, GetParam().fail_info);
    }
}

struct CsrChange {
    const char* name;
    std::function<void(certs::CsrContents&)> change;
    const char* code;
};

const CsrChange kCsrChanges[] = {
    {"N05_SecondCommonName",
     [](auto& c) { c.subject = name("CN=admin,CN=device-0001,O=Example Ltd"); },
     "SubjectNameMismatch"},
    {"N05_OneMoreUnit", [](auto& c) { c.subject = name("CN=device-0001,OU=a,O=Example Ltd"); },
     "SubjectNameMismatch"},
    {"N05_AttributesInsideAValue",
     [](auto& c) { c.subject = name("CN=device-0001\\,O\\=Example Ltd"); }, "SubjectNameMismatch"},
    {"N01_ReverseOrder", [](auto& c) { c.subject = name("O=Example Ltd,CN=device-0001"); },
     "SubjectNameMismatch"},
    {"N02_Homoglyph", [](auto& c) { c.subject = name("CN=d\xD0\xB5vice-0001,O=Example Ltd"); },
     "SubjectNameMismatch"},
    {"N05_PaddedOverTheUpperBound",
     [](auto& c) {
         c.subject = name(("/O=Example Ltd/CN=" + std::string(64, ' ') + "device-0001").c_str());
     },
     "SubjectNameInvalid"},
    {"N06_NoSubject", [](auto& c) { c.subject = Name(); }, "SubjectNameMissing"},
    {"N07_NoAlternativeNames", [](auto& c) { c.subject_alt_name.clear(); },
     "SubjectAltNameMissing"},
    {"N07_OneNameMore",
     [](auto& c) { c.subject_alt_name.push_back(san(GeneralNameType::kUpn, "admin@example.com")); },
     "SubjectAltNameMismatch"},
    {"N07_OneNameLess", [](auto& c) { c.subject_alt_name.pop_back(); }, "SubjectAltNameMismatch"},
    {"N08_Wildcard",
     [](auto& c) { c.subject_alt_name[0] = san(GeneralNameType::kDns, "*.example.com"); },
     "SubjectAltNameMismatch"},
    {"N09_SidExtension",
     [](auto& c) {
         c.more_extensions = {certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                                      certs::encode_sid_extension(kSid))};
     },
     "SidMismatch"},
    {"N09_SidUri",
     [](auto& c) { c.subject_alt_name.push_back(san(GeneralNameType::kUri, kSidUri)); },
     "SubjectAltNameMismatch"},
    {"N11_NoKeyUsage", [](auto& c) { c.key_usage.reset(); }, "KeyUsageMismatch"},
    {"N11_KeyUsageNarrower", [](auto& c) { c.key_usage = certs::KeyUsage{kKeyEncipherment}; },
     "KeyUsageMismatch"},
    {"N11_NoExtendedKeyUsage", [](auto& c) { c.extended_key_usage.clear(); },
     "EnhancedKeyUsageMissing"},
    {"N11_OneExtendedKeyUsageMore",
     [](auto& c) { c.extended_key_usage.push_back(usage("smartcardLogon")); },
     "EnhancedKeyUsageMismatch"},
    {"N11_ExtendedKeyUsageTwice",
     [](auto& c) { c.extended_key_usage.push_back(usage("clientAuth")); }, "ok"},
    {"N11_CaTrueIsNotJudgedHere",
     [](auto& c) { c.more_extensions = {certs::basic_constraints_extension(true)}; }, "ok"},
};

class CsrTest : public ::testing::TestWithParam<CsrChange> {};

INSTANTIATE_TEST_SUITE_P(Changed, CsrTest, ::testing::ValuesIn(kCsrChanges),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(CsrTest, IsJudged) {
    certs::CsrContents contents = matching_contents();
    GetParam().change(contents);
    const auto refusal = judge_claims(settings(), claims(), request(contents), kNow);
    EXPECT_EQ(refusal ? refusal->code : "ok", GetParam().code) << (refusal ? refusal->text : "");
    if (refusal) {
        EXPECT_EQ(refusal->fail_info, FailInfo::kBadRequest);
    }
}

TEST(ClaimsJudgeTest, N09_TakesExactlyTheSidThatIsClaimed) {
    const auto with_sid = [](const char* sid) {
        certs::CsrContents contents = matching_contents();
        contents.more_extensions = {certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                                            certs::encode_sid_extension(sid))};
        return request(contents);
    };
    ChallengeClaims claims = testing::claims();
    claims.sid = kSid;
    EXPECT_EQ(verdict(claims, with_sid(kSid)), "ok");
    EXPECT_EQ(verdict(claims, with_sid("S-1-5-21-1-2-3-500")), "SidMismatch");
}

TEST(ClaimsJudgeTest, N09_TakesASidUriOnlyWhenClaimedAndOfTheSameAccount) {
    certs::CsrContents contents = matching_contents();
    contents.subject_alt_name.push_back(san(GeneralNameType::kUri, kSidUri));
    const EnrollmentRequest asked = request(contents);
    ChallengeClaims claims = testing::claims();
    claims.subject_alt_name.push_back(san(GeneralNameType::kUri, kSidUri));
    EXPECT_EQ(verdict(claims, asked), "ok");
    claims.sid = kSid;
    EXPECT_EQ(verdict(claims, asked), "ok");
    claims.sid = "S-1-5-21-1-2-3-500";
    EXPECT_EQ(verdict(claims, asked), "SidMismatch");
    claims.sid = kSid;
    claims.subject_alt_name.pop_back();
    EXPECT_EQ(verdict(claims, asked), "SubjectAltNameMismatch");
}

TEST(ClaimsJudgeTest, JudgesEcKeysByTheirCurve) {
    const auto p256 = certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value();
    const auto p384 = certs::PrivateKey::generate({certs::KeyType::kEc, 384}).value();
    ChallengeClaims claims = testing::claims();  // rsa and ec:p256, at least 2048 bits of RSA
    EXPECT_EQ(verdict(claims, request(matching_contents(), p256)), "ok");
    EXPECT_EQ(verdict(claims, request(matching_contents(), p384)), "KeyTypeMismatch");
    claims.key.types = {"rsa"};
    EXPECT_EQ(verdict(claims, request(matching_contents(), p256)), "KeyTypeMismatch");
}

TEST(ClaimsJudgeTest, WithoutAKeyUsageClaimTheCsrMustNotCarryOne) {
    ChallengeClaims claims = testing::claims();
    claims.key_usage.reset();
    certs::CsrContents contents = matching_contents();
    contents.key_usage.reset();
    EXPECT_EQ(verdict(claims, request(contents)), "ok");
}

TEST(ClaimsJudgeTest, ReportsTheFirstFaultInTheDocumentedOrder) {
    ChallengeClaims claims = testing::claims();
    claims.key.minimum_bits = 4096;
    certs::CsrContents contents = matching_contents();
    EXPECT_EQ(verdict(claims, request(contents)), "KeyLengthMismatch");
    contents.extended_key_usage.clear();
    EXPECT_EQ(verdict(claims, request(contents)), "EnhancedKeyUsageMissing");
    contents.key_usage.reset();
    EXPECT_EQ(verdict(claims, request(contents)), "KeyUsageMismatch");
    contents.subject_alt_name.clear();
    EXPECT_EQ(verdict(claims, request(contents)), "SubjectAltNameMissing");
    contents.subject = name("CN=a");
    EXPECT_EQ(verdict(claims, request(contents)), "SubjectNameMismatch");
    claims.endpoints = {"other"};
    EXPECT_EQ(verdict(claims, request(contents)), "EndpointMismatch");
    claims.audience = "other";
    EXPECT_EQ(verdict(claims, request(contents)), "AudienceMismatch");
    EXPECT_EQ(verdict(claims, request(contents), kExpires + 301), "ChallengeExpired");
}

TEST(ClaimsJudgeTest, TellsTheOperatorBothNamesAndTheReversal) {
    certs::CsrContents contents = matching_contents();
    contents.subject = name("O=Example Ltd,CN=device-0001");
    const auto refusal = judge_claims(settings(), claims(), request(contents), kNow);
    ASSERT_TRUE(refusal);
    EXPECT_NE(refusal->text.find("'CN=device-0001,O=Example Ltd'"), std::string::npos);
    EXPECT_NE(refusal->text.find("'O=Example Ltd,CN=device-0001'"), std::string::npos);
    EXPECT_NE(refusal->hint.find("the same RDNs in reverse order"), std::string::npos);
}

TEST(ClaimsJudgeTest, SaysThatNoSubjectIsExpected) {
    ChallengeClaims claims = testing::claims();
    claims.subject = {};
    const auto refusal = judge_claims(settings(), claims, request(matching_contents()), kNow);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->code, "SubjectNameMismatch");
    EXPECT_EQ(refusal->expected, "none");
}

TEST(ClaimsJudgeTest, WhatAStrangerMakesLongIsCut) {
    certs::CsrContents contents = matching_contents();
    for (int i = 0; i < 90; ++i) {
        contents.subject_alt_name.push_back(
            certs::GeneralName::make(certs::GeneralNameType::kDns,
                                     "n" + std::to_string(i) + ".a-long-name.example")
                .value());
    }
    const auto refusal = judge_claims(settings(), claims(), request(contents), kNow);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->code, "SubjectAltNameMismatch");
    for (const std::string* part : {&refusal->expected, &refusal->found, &refusal->hint})
        EXPECT_LT(part->size(), 510U);
    EXPECT_LT(refusal->text.size(), 1100U);
    EXPECT_NE(refusal->hint.find("not in the challenge: dns:n0.a-long-name.example"),
              std::string::npos)
        << refusal->hint;
}

TEST(ExplainClaimsTest, HasAVerdictForEachCheckInTheOrderOfJudgement) {
    ChallengeClaims claims = testing::claims();
    claims.subject = name("CN=other");
    claims.key_usage = certs::KeyUsage{kDigitalSignature};
    claims.key.minimum_bits = 4096;
    const auto asked = request(matching_contents());
    const auto verdicts = explain_claims({settings(), claims, asked, kNow});
    std::string failures;
    ASSERT_EQ(verdicts.size(), claim_checks().size());
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        EXPECT_EQ(verdicts[i].check, claim_checks()[i].name);
        EXPECT_EQ(verdicts[i].module, settings().name);
        if (verdicts[i].outcome != Verdict::Outcome::kFailed) continue;
        EXPECT_FALSE(verdicts[i].expected.empty() || verdicts[i].found.empty());
        EXPECT_FALSE(verdicts[i].hint.empty()) << verdicts[i].check;
        failures += verdicts[i].code + " ";
    }
    EXPECT_EQ(failures, "SubjectNameMismatch KeyUsageMismatch KeyLengthMismatch ");
    EXPECT_EQ(judge_claims(settings(), claims, asked, kNow)->code, "SubjectNameMismatch");
}

TEST(ExplainClaimsTest, ARefusalSaysEachThingOnce) {
    ChallengeClaims claims = testing::claims();
    claims.subject = name("CN=other");
    const auto refusal = judge_claims(settings(), claims, request(matching_contents()), kNow);
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->expected, "CN=other");
    EXPECT_EQ(refusal->found, "CN=device-0001,O=Example Ltd");
    EXPECT_EQ(refusal->text, "subject: expected 'CN=other', found 'CN=device-0001,O=Example Ltd'");
    EXPECT_EQ(refusal->text.find(refusal->hint), std::string::npos);
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
