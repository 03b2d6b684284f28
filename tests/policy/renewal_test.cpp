#include "policy/renewal.hpp"

#include <algorithm>
#include <cctype>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "policy/grant_maker.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

using certs::KeyUsageBit;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kNotAfter = kNow + 100 * kDay;
constexpr std::string_view kSid = "S-1-5-21-1-2-3-500";

/// The SubjectPublicKeyInfo of an RSA key whose primes are neighbours: Fermat's method finds them.
constexpr std::string_view kWeakKey =
    "30820122300d06092a864886f70d01010105000382010f003082010a0282010100fd62172eaa75a4"
    "ae330dfffcc7f0f233ef5f17c8ef2e121fa2567a39ed1d4dde35963f24bbe7f890202afb9cbceee8"
    "013a345b8cc07bc62898d92eb960399f03ba96be61e9458025005bdd02a8aaf85b1b2c6076a0ab3e"
    "42c961f0192e1f9de18860fcb911c982dbe83a6951a2888fafc8473bbb87b1dd2cd9ae175aaa4464"
    "5a229b25a1b7443ebf6d0bc0356188998cb6dca05b4f66ea05ce507c6125ef600d6c023eae3b377b"
    "0e4f296b2c847aee6915e56da857af619007789e58d0b5b81c0cfc6a3b7f4a1b4bb972291ed60018"
    "9d7f97c662ebc8fb2ed96d580e6396e89f9795a5faa4d50921b40b195ffe4a5dad95a6d1a897fd05"
    "e8fb7c7b39b1a399ab0203010001";

/// The certificate to renew; tests change one thing.
struct Old {
    std::string subject = "CN=device-0001,O=Example Ltd";
    certs::GeneralNames names = matching_contents().subject_alt_name;
    std::optional<certs::KeyUsage> usage =
        certs::KeyUsage{KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment};
    certs::ExtendedKeyUsage extended = matching_contents().extended_key_usage;
    bool sid = true;
    Bytes spki = to_bytes(private_key("device").public_key().spki());

    [[nodiscard]] certs::Certificate make() const {
        certs::CertificateContents contents;
        contents.serial = certs::random_serial();
        contents.issuer_der = certs::Name::from_text("CN=CA").value().der();
        contents.subject_der = certs::Name::from_text(subject).value().der();
        contents.not_before = kNow - 10 * kDay;
        contents.not_after = kNotAfter;
        contents.spki = spki;
        if (usage) contents.extensions.push_back(certs::key_usage_extension(*usage));
        contents.extensions.push_back(certs::extended_key_usage_extension(extended));
        if (!names.empty()) {
            contents.extensions.push_back(certs::subject_alt_name_extension(names, false));
        }
        if (sid) {
            contents.extensions.push_back(certs::encode_extension(
                certs::oid::kNtdsCaSecurity, false, certs::encode_sid_extension(kSid)));
        }
        return certs::build_certificate(contents, certs::testing::ec_key(), certs::Digest::kSha256)
            .value();
    }
};

class RenewalTest : public ::testing::Test {
protected:
    RenewalTest() {
        known.endpoint = "/scep";
        known.template_name = "DeviceGeneral";
        known.device_id = "device-7";
        known.issued_at = kNow - 10 * kDay + 600;
    }

    Result<Grant, Refusal> judge() const {
        EnrollmentRequest asked = request(contents, csr_key);
        asked.kind = EnrollmentKind::kRenewal;
        asked.signer = old.make();
        return judge_renewal(settings, asked, store_knows, tmpl, now);
    }
    std::string code() const { return outcome(judge()); }

    RenewalSettings settings;
    RenewedCertificate known;
    std::optional<RenewedCertificate>& knows() {
        store_knows = known;
        return store_knows;
    }
    Old old;
    certs::CsrContents contents = matching_contents();
    certs::PrivateKey csr_key = certs::testing::rsa_key();
    RenewalTemplate tmpl{"DeviceGeneral", certs::Purpose::kGeneralPurpose};
    std::int64_t now = kNow;
    std::optional<RenewedCertificate> store_knows;

    void SetUp() override { knows(); }
};

TEST_F(RenewalTest, T11_GrantsWhatTheOldCertificateHad) {
    const auto grant = judge();
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->policy(), kRenewalPolicy);
    EXPECT_EQ(grant->subject().text(), old.subject);
    EXPECT_EQ(grant->subject_alt_name(), old.names);
    EXPECT_EQ(grant->key_usage(), old.usage);
    EXPECT_EQ(grant->extended_key_usage(), old.extended);
    EXPECT_EQ(grant->sid(), std::string(kSid));
    EXPECT_EQ(grant->device_id(), "device-7");
    EXPECT_EQ(grant->max_validity(), kNotAfter - known.issued_at);
    EXPECT_EQ(grant->public_key(), csr_key.public_key());
    EXPECT_FALSE(grant->redemption());
}

TEST_F(RenewalTest, TheEndOfTheOldCaDoesNotLimitTheNewCertificate) {
    known.cut_short = true;
    knows();
    EXPECT_FALSE(judge()->max_validity());
}

TEST_F(RenewalTest, G03_WhatAChallengeLimitedStaysLimitedWhenTheCaEndedBefore) {
    known.cut_short = true;
    known.max_validity = 200 * kDay;
    knows();
    EXPECT_EQ(judge()->max_validity(), 200 * kDay);
}

TEST_F(RenewalTest, G02_RefusesWhatTheStoreDoesNotKnow) {
    store_knows.reset();
    EXPECT_EQ(code(), "RenewalSignerUnknown");
}

TEST_F(RenewalTest, K03_RefusesACertificateWhoseKeyCanBeFactored) {
    old.spki = from_hex(kWeakKey).value();
    ASSERT_TRUE(old.make().public_key()) << "sound but for its primes";
    EXPECT_EQ(code(), "RenewalSignerWeakKey");
}

TEST_F(RenewalTest, G02_RefusesWhatAnotherEndpointIssued) {
    store_knows->endpoint = "/other";
    EXPECT_EQ(code(), "RenewalOtherEndpoint");
}

TEST_F(RenewalTest, G02_RefusesARevokedCertificate) {
    store_knows->revoked = true;
    EXPECT_EQ(code(), "RenewalSignerRevoked");
}

TEST_F(RenewalTest, G02_RefusesOutsideTheValidityUnlessTheGraceSaysOtherwise) {
    now = kNow - 10 * kDay - 1;
    EXPECT_EQ(code(), "RenewalSignerNotYetValid");
    now = kNow - 10 * kDay;
    EXPECT_EQ(code(), "ok");
    now = kNotAfter;
    EXPECT_EQ(code(), "ok");
    now = kNotAfter + 1;
    EXPECT_EQ(code(), "RenewalSignerExpired");
    settings.grace = kDay;
    EXPECT_EQ(code(), "ok");
    now = kNotAfter + kDay + 1;
    EXPECT_EQ(code(), "RenewalSignerExpired");
}

TEST_F(RenewalTest, G05_RefusesBeforeTheWindow) {
    settings.window = 30 * kDay;
    now = kNotAfter - 30 * kDay - 1;
    EXPECT_EQ(code(), "RenewalTooEarly");
    now = kNotAfter - 30 * kDay;
    EXPECT_EQ(code(), "ok");
}

TEST_F(RenewalTest, G05_RefusesWhatWasRenewedWhereOnlyTheNewestCounts) {
    store_knows->superseded = true;
    EXPECT_EQ(code(), "ok");
    settings.newest_only = true;
    EXPECT_EQ(code(), "RenewalSuperseded");
    store_knows->superseded = false;
    EXPECT_EQ(code(), "ok");
    settings.grace = kDay;
    const auto once = redemption_of_renewal(settings, old.make());
    ASSERT_TRUE(once) << "of parallel renewals one is recorded";
    EXPECT_EQ(once->expires, kNotAfter + kDay) << "as long as it can be renewed";
    settings.newest_only = false;
    EXPECT_FALSE(redemption_of_renewal(settings, old.make()));
}

TEST_F(RenewalTest, G04_RefusesTheOldKeyWhereItMayNotBeUsedAgain) {
    csr_key = private_key("device");
    EXPECT_EQ(code(), "ok");
    settings.same_key = false;
    EXPECT_EQ(code(), "RenewalSameKey");
}

TEST_F(RenewalTest, G03_RefusesAnotherSubject) {
    contents.subject = certs::Name::from_text("CN=device-0002,O=Example Ltd").value();
    EXPECT_EQ(code(), "RenewalSubjectMismatch");
    contents.subject = certs::Name();
    EXPECT_EQ(code(), "RenewalSubjectMismatch");
}

TEST_F(RenewalTest, G03_RefusesANameThatTheOldCertificateDoesNotHave) {
    contents.subject_alt_name.push_back(
        certs::GeneralName::make(certs::GeneralNameType::kDns, "more.example").value());
    EXPECT_EQ(code(), "RenewalSubjectAltNameMismatch");
}

TEST_F(RenewalTest, FewerNamesAreGrantedAsAskedAndNoneMeansAll) {
    contents.subject_alt_name.resize(1);
    EXPECT_EQ(judge()->subject_alt_name(), contents.subject_alt_name);
    contents.subject_alt_name.clear();
    EXPECT_EQ(judge()->subject_alt_name(), old.names);
}

TEST_F(RenewalTest, G05_NamesStayAsTheOldCertificateSpellsAndOrdersThem) {
    std::reverse(contents.subject_alt_name.begin(), contents.subject_alt_name.end());
    for (auto& name : contents.subject_alt_name) {
        if (name.type == certs::GeneralNameType::kDns) {
            std::transform(name.value.begin(), name.value.end(), name.value.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        }
    }
    ASSERT_NE(contents.subject_alt_name, old.names);
    EXPECT_EQ(judge()->subject_alt_name(), old.names);
}

TEST_F(RenewalTest, G05_AllNamesStayWhereOnlyTheNewestCounts) {
    settings.newest_only = true;
    contents.subject_alt_name.resize(1);
    ASSERT_NE(contents.subject_alt_name, old.names);
    EXPECT_EQ(judge()->subject_alt_name(), old.names);
}

// Templates make subjects of them.
TEST_F(RenewalTest, G03_TheFirstNameOfATypeStaysWithTheOthersOfIt) {
    const auto dns = [](std::string_view value) {
        return certs::GeneralName::make(certs::GeneralNameType::kDns, value).value();
    };
    const auto upn = certs::GeneralName::make(certs::GeneralNameType::kUpn, "u@a.example").value();
    old.names = {upn, dns("a.example"), dns("b.example"), dns("c.example")};
    contents.subject_alt_name = {dns("c.example")};
    EXPECT_EQ(judge()->subject_alt_name(),
              (certs::GeneralNames{dns("a.example"), dns("c.example")}));
    contents.subject_alt_name = {upn};
    EXPECT_EQ(judge()->subject_alt_name(), (certs::GeneralNames{upn}));
}

TEST_F(RenewalTest, G03_RefusesAnotherSid) {
    contents.more_extensions = {certs::encode_extension(
        certs::oid::kNtdsCaSecurity, false, certs::encode_sid_extension("S-1-5-21-1-2-3-501"))};
    EXPECT_EQ(code(), "RenewalSidMismatch");
    contents.more_extensions = {certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                                        certs::encode_sid_extension(kSid))};
    EXPECT_EQ(code(), "ok");
    old.sid = false;
    EXPECT_EQ(code(), "RenewalSidMismatch");
}

TEST_F(RenewalTest, G03_RefusesAnotherPurpose) {
    contents.key_usage = certs::KeyUsage{KeyUsageBit::kDigitalSignature};
    EXPECT_EQ(code(), "RenewalKeyUsageMismatch");
    EXPECT_EQ(judge().error().expected,
              "that of key usage digitalSignature, keyEncipherment, or general_purpose (template "
              "DeviceGeneral)");
    tmpl = {"DeviceSignature", certs::Purpose::kSignature};
    EXPECT_EQ(code(), "RenewalKeyUsageMismatch") << "its own template is gone";
}

TEST_F(RenewalTest, AnEcCertificateIsRenewedUnderTheTemplateItHas) {
    old.usage = certs::KeyUsage{KeyUsageBit::kDigitalSignature};  // EC: no keyEncipherment
    EXPECT_EQ(code(), "ok");
    tmpl.name = "Renamed";
    EXPECT_EQ(code(), "RenewalKeyUsageMismatch");
}

TEST_F(RenewalTest, G03_AKeyUsageThatWasCopiedChoosesNoOtherTemplate) {
    old.usage = contents.key_usage = certs::KeyUsage{KeyUsageBit::kDigitalSignature};
    const auto grant = judge();
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->template_name(), "DeviceGeneral");
    EXPECT_EQ(grant->purpose(), certs::Purpose::kGeneralPurpose) << "what the endpoint has it for";
    EXPECT_EQ(grant->key_usage(), old.usage);
    contents.key_usage = certs::KeyUsage{KeyUsageBit::kKeyEncipherment};
    EXPECT_EQ(code(), "RenewalKeyUsageMismatch") << "neither the old one's nor the template's";
}

TEST_F(RenewalTest, G03_WhatAModuleGrantsIsForTheTemplateOfTheRule) {
    old.usage = contents.key_usage = certs::KeyUsage{KeyUsageBit::kDigitalSignature};
    const auto by_rule = judge();
    EnrollmentRequest asked = request(contents, csr_key);
    asked.purpose = certs::Purpose::kSignature;
    GrantMaker unnamed(asked, "hook"), named(asked, "hook");
    for (GrantMaker* maker : {&unnamed, &named})
        maker->names(contents.subject, contents.subject_alt_name);
    const auto bound = bound_renewal(settings, std::move(unnamed).make(), *by_rule);
    ASSERT_TRUE(bound);
    EXPECT_EQ(bound->template_name(), "DeviceGeneral");
    EXPECT_EQ(bound->purpose(), certs::Purpose::kGeneralPurpose);
    EXPECT_EQ(bound->policy(), "hook");
    named.template_name("Another");
    const auto another = bound_renewal(settings, std::move(named).make(), *by_rule);
    EXPECT_EQ(another->template_name(), "Another")
        << "the module's word, for the endpoint to judge";
}

TEST_F(RenewalTest, G05_WhatAModuleGrantsIsForTheNamesOfTheRuleWhereOnlyTheNewestCounts) {
    const auto granted = [&](const std::string& subject, certs::GeneralNames names) {
        GrantMaker maker(request(contents, csr_key), "hook");
        maker.names(certs::Name::from_text(subject).value(), std::move(names));
        return std::move(maker).make();
    };
    const auto bound = [&](const std::string& subject, certs::GeneralNames names) {
        return bound_renewal(settings, granted(subject, std::move(names)), *judge());
    };
    auto names = old.names;
    std::reverse(names.begin(), names.end());
    const std::string subject = "CN=DEVICE-0001,O=Example Ltd";
    EXPECT_EQ(bound(subject, names)->subject().text(), subject);
    EXPECT_EQ(bound(subject, names)->subject_alt_name(), names);
    settings.newest_only = true;
    ASSERT_TRUE(bound(subject, names));
    EXPECT_EQ(bound(subject, names)->subject().text(), old.subject);
    EXPECT_EQ(bound(subject, names)->subject_alt_name(), old.names);
    EXPECT_EQ(outcome(bound("CN=device-0002,O=Example Ltd", names)), "RenewalSubjectMismatch");
    names.pop_back();
    EXPECT_EQ(outcome(bound(subject, names)), "RenewalSubjectAltNameMismatch");
}

TEST_F(RenewalTest, ARenamedTemplateDoesNotStopRenewal) {
    tmpl.name = "Renamed";
    const auto grant = judge();
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->template_name(), "Renamed");
}

TEST_F(RenewalTest, G03_RefusesOtherExtendedKeyUsages) {
    contents.extended_key_usage.push_back(
        certs::extended_key_usage_from_text("serverAuth").value());
    EXPECT_EQ(code(), "RenewalExtendedKeyUsageMismatch");
    contents.extended_key_usage.clear();
    EXPECT_EQ(code(), "ok");
}

TEST_F(RenewalTest, AllRefusalsAreBadRequestAndFinal) {
    store_knows.reset();
    const auto refusal = judge().error();
    EXPECT_EQ(refusal.fail_info, FailInfo::kBadRequest);
    EXPECT_FALSE(refusal.temporary);
}

TEST_F(RenewalTest, WhatWasLookedAtIsAWordThatDoesNotChange) {
    known.endpoint = "/other";
    knows();
    EXPECT_EQ(judge().error().check, "renewal");
    store_knows.reset();
    EXPECT_EQ(judge().error().check, "renewal");
}

// Signed in the last second of its validity, recorded in the next.
TEST_F(RenewalTest, R_T11_ACertificateThatWasOverWhenItWasRecordedLimitsNothing) {
    known.issued_at = kNotAfter;
    knows();
    const auto grant = judge();
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_FALSE(grant->max_validity());
}

TEST_F(RenewalTest, G03_ACertificateWithoutAnyNameRenewsNothing) {
    old.subject = "";
    old.names.clear();
    contents.subject = certs::Name();
    contents.subject_alt_name.clear();
    knows();
    EXPECT_EQ(code(), "RenewalSignerUnreadable");
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
