#include "ca_backend/template.hpp"

#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "certs/oids.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::KeyUsage;
using certs::Purpose;
using testing::device_template;
using testing::kNow;
using testing::make_grant;
using enum certs::KeyUsageBit;

Bytes usage(const char* name) {
    return certs::extended_key_usage_from_text(name).value();
}

Template wide_template() {
    Template tmpl = device_template();
    tmpl.key_usage = {kDigitalSignature, kNonRepudiation, kKeyEncipherment, kDataEncipherment,
                      kKeyAgreement};
    tmpl.extended_key_usage = {usage("clientAuth"), usage("emailProtection")};
    return tmpl;
}

TEST(PlanCertificateTest, TakesTheTemplatesUsagesWhereTheGrantLeavesThemOpen) {
    const Template tmpl = device_template();
    const auto plan = plan_certificate(tmpl, make_grant(), kNow);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, tmpl.key_usage);
    EXPECT_EQ(plan->extended_key_usage, tmpl.extended_key_usage);
    EXPECT_EQ(plan->validity, tmpl.validity);
    EXPECT_TRUE(plan->notes.empty());
}

TEST(PlanCertificateTest, NarrowsAnOpenKeyUsageToThePurposeSignature) {
    const auto plan =
        plan_certificate(wide_template(), make_grant({.purpose = Purpose::kSignature}), kNow);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, (KeyUsage{kDigitalSignature, kNonRepudiation}));
}

TEST(PlanCertificateTest, NarrowsAnOpenKeyUsageToThePurposeEncryption) {
    const auto plan =
        plan_certificate(wide_template(), make_grant({.purpose = Purpose::kEncryption}), kNow);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, (KeyUsage{kKeyEncipherment, kDataEncipherment, kKeyAgreement}));
}

TEST(PlanCertificateTest, RefusesAPurposeThatTheTemplateHasNothingFor) {
    Template tmpl = device_template();
    tmpl.key_usage = {kDigitalSignature};
    const auto plan = plan_certificate(tmpl, make_grant({.purpose = Purpose::kEncryption}), kNow);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "TemplateKeyUsageMismatch");
    EXPECT_EQ(plan.error().check, "template");
    EXPECT_EQ(plan.error().fail_info, FailInfo::kBadRequest);
    EXPECT_FALSE(plan.error().temporary);
}

TEST(PlanCertificateTest, TakesExactlyTheGrantsUsagesWithinTheTemplate) {
    const auto plan = plan_certificate(
        wide_template(),
        make_grant({.key_usage = KeyUsage{kDigitalSignature},
                    .extended_key_usage = certs::ExtendedKeyUsage{usage("emailProtection")}}),
        kNow);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, KeyUsage{kDigitalSignature});
    EXPECT_EQ(plan->extended_key_usage, certs::ExtendedKeyUsage{usage("emailProtection")});
}

TEST(PlanCertificateTest, RefusesAKeyUsageOutsideTheTemplate) {
    for (const KeyUsage wanted : {KeyUsage{kDigitalSignature, kKeyCertSign}, KeyUsage{kCrlSign},
                                  KeyUsage{kNonRepudiation}}) {
        const auto plan =
            plan_certificate(device_template(), make_grant({.key_usage = wanted}), kNow);
        ASSERT_FALSE(plan) << wanted.text();
        EXPECT_EQ(plan.error().code, "TemplateKeyUsageMismatch");
    }
}

TEST(PlanCertificateTest, RefusesAnExtendedKeyUsageOutsideTheTemplate) {
    // Leaving it out instead would make the certificate unrestricted when it was the only one.
    for (const char* wanted : {"serverAuth", "codeSigning", "OCSPSigning", "smartcardLogon",
                               "1.3.6.1.4.1.311.20.2.1", "2.5.29.37.0"}) {
        const auto plan = plan_certificate(
            device_template(),
            make_grant({.extended_key_usage =
                            certs::ExtendedKeyUsage{usage("clientAuth"), usage(wanted)}}),
            kNow);
        ASSERT_FALSE(plan) << wanted;
        EXPECT_EQ(plan.error().code, "TemplateExtendedKeyUsageMismatch");
    }
}

TEST(PlanCertificateTest, RefusesAnExtendedKeyUsageWhenTheTemplateHasNone) {
    Template tmpl = device_template();
    tmpl.extended_key_usage.clear();
    const auto plan = plan_certificate(
        tmpl, make_grant({.extended_key_usage = certs::ExtendedKeyUsage{usage("clientAuth")}}),
        kNow);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "TemplateExtendedKeyUsageMismatch");
}

TEST(PlanCertificateTest, GivesAnEcKeyNoKeyEnciphermentAndSaysSo) {
    const auto plan =
        plan_certificate(device_template(), make_grant({.device_key = testing::ec_key()}), kNow);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, KeyUsage{kDigitalSignature});
    EXPECT_EQ(plan->notes.size(), 1U);
}

TEST(PlanCertificateTest, RefusesAnEcKeyThatIsOnlyForKeyEncipherment) {
    const auto plan = plan_certificate(
        device_template(),
        make_grant({.device_key = testing::ec_key(), .key_usage = KeyUsage{kKeyEncipherment}}),
        kNow);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "TemplateKeyUsageMismatch");
}

TEST(PlanCertificateTest, RefusesAnRsaKeyUnderTheTemplatesMinimum) {
    Template tmpl = device_template();
    tmpl.minimum_rsa_bits = 3072;
    const auto plan = plan_certificate(tmpl, make_grant(), kNow);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "KeyTooShort");
    EXPECT_TRUE(plan_certificate(tmpl, make_grant({.device_key = testing::ec_key()}), kNow));
}

TEST(PlanCertificateTest, TakesTheShorterValidity) {
    const Template tmpl = device_template();
    EXPECT_EQ(plan_certificate(tmpl, make_grant({.max_validity = 3600}), kNow)->validity, 3600);
    EXPECT_EQ(
        plan_certificate(tmpl, make_grant({.max_validity = tmpl.validity + 1}), kNow)->validity,
        tmpl.validity);
}

TEST(PlanCertificateTest, RefusesAGrantWithoutAnyValidity) {
    for (const std::int64_t seconds : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
        const auto plan =
            plan_certificate(device_template(), make_grant({.max_validity = seconds}), kNow);
        ASSERT_FALSE(plan);
        EXPECT_EQ(plan.error().code, "ValidityTooShort");
    }
}

TEST(CheckTemplateTest, TakesAPlainTemplate) {
    EXPECT_TRUE(check_template(device_template()));
}

TEST(CheckTemplateTest, N11_RefusesUsagesOfACa) {
    for (const auto bit : {kKeyCertSign, kCrlSign}) {
        Template tmpl = device_template();
        tmpl.key_usage = {kDigitalSignature, bit};
        const auto checked = check_template(tmpl);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().code, Errc::kConfig);
    }
}

TEST(CheckTemplateTest, N11_RefusesAnyExtendedKeyUsage) {
    Template tmpl = device_template();
    tmpl.extended_key_usage.push_back(usage("2.5.29.37.0"));
    EXPECT_FALSE(check_template(tmpl));
}

TEST(CheckTemplateTest, N11_RefusesUsagesThatSpeakForTheCa) {
    for (const char* forbidden : {"OCSPSigning", "2.5.29.37.0", "1.3.6.1.4.1.311.10.12.1"}) {
        for (const auto list : {&Template::extended_key_usage, &Template::application_policies}) {
            Template tmpl = device_template();
            (tmpl.*list).push_back(usage(forbidden));
            const auto checked = check_template(tmpl);
            ASSERT_FALSE(checked) << forbidden;
            EXPECT_EQ(checked.error().code, Errc::kConfig);
        }
    }
}

TEST(CheckTemplateTest, RefusesWhatCannotBeMeant) {
    const std::function<void(Template&)> faults[] = {
        [](Template& tmpl) { tmpl.key_usage = {}; },
        [](Template& tmpl) { tmpl.validity = 0; },
        [](Template& tmpl) { tmpl.validity = std::numeric_limits<std::int64_t>::max(); },
        [](Template& tmpl) { tmpl.backdate = -1; },
        [](Template& tmpl) { tmpl.backdate = 365 * 86400; },
        [](Template& tmpl) { tmpl.minimum_rsa_bits = 1024; },
        [](Template& tmpl) { tmpl.minimum_rsa_bits = 16384; },
    };
    for (const auto& spoil : faults) {
        Template tmpl = device_template();
        spoil(tmpl);
        const auto checked = check_template(tmpl);
        ASSERT_FALSE(checked) << &spoil - faults;
        EXPECT_EQ(checked.error().code, Errc::kConfig);
    }
}

TEST(PlanCertificateTest, TakesTheTemplatesValidityWhateverTheDeviceAsksWhereNobodyCanAsk) {
    const Template tmpl = device_template();
    const auto plan = plan_certificate(
        tmpl, make_grant({.asks = {{"ValidityPeriod", "Days"}, {"ValidityPeriodUnits", "30"}}}),
        kNow);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->validity, tmpl.validity);
    ASSERT_EQ(plan->notes.size(), 1U);
    EXPECT_NE(plan->notes[0].find("left out the requested validity"), std::string::npos);
}

struct Wish {
    const char* name;
    std::vector<std::pair<std::string, std::string>> asks;
    std::optional<std::int64_t> granted;  ///< days
    std::int64_t expected;                ///< days
};

class RequestedValidityOfATemplate : public ::testing::TestWithParam<Wish> {};

INSTANTIATE_TEST_SUITE_P(
    Wishes, RequestedValidityOfATemplate,
    ::testing::Values(
        Wish{"Within", {{"ValidityPeriod", "Days"}, {"ValidityPeriodUnits", "30"}}, {}, 30},
        Wish{"BelowTheMinimum", {{"ValidityPeriod", "Days"}, {"ValidityPeriodUnits", "1"}}, {}, 7},
        Wish{"AboveTheMaximum",
             {{"ValidityPeriod", "Years"}, {"ValidityPeriodUnits", "9"}},
             {},
             730},
        Wish{"UntilADate", {{"ExpirationDate", "Fri, 18 Dec 2026 11:06:40 GMT"}}, {}, 30},
        Wish{"UntilADateThatIsPast", {{"ExpirationDate", "Tue, 18 Nov 2025 11:06:40 GMT"}}, {}, 7},
        Wish{"NeverAboveTheGrant",
             {{"ValidityPeriod", "Days"}, {"ValidityPeriodUnits", "300"}},
             90,
             90},
        Wish{"NeverAboveTheGrantThoughBelowTheMinimum", {}, 2, 2},
        Wish{"TheGrantCanRaiseToTheMaximum", {}, 700, 700}, Wish{"NobodyAsks", {}, {}, 365}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(RequestedValidityOfATemplate, StaysWithinItsLimitsAndTheGrants) {
    constexpr std::int64_t kDay = 86400;
    Template tmpl = device_template();
    tmpl.requested_validity = {7 * kDay, 730 * kDay};
    testing::GrantSpec spec{.asks = GetParam().asks};
    if (GetParam().granted) spec.max_validity = *GetParam().granted * kDay;
    const auto plan = plan_certificate(tmpl, make_grant(spec), kNow);
    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_EQ(plan->validity, GetParam().expected * kDay);
}

TEST(PlanCertificateTest, BuildsTheSubjectFromThePatternOrTakesTheGrants) {
    Template tmpl = device_template();
    const Grant grant = make_grant({.device_id = "D-7"});
    EXPECT_EQ(plan_certificate(tmpl, grant, kNow)->subject.text(), "CN=device-1,O=Example");
    tmpl.subject = SubjectPattern::parse("CN={device_id},O=Fleet").value();
    EXPECT_EQ(plan_certificate(tmpl, grant, kNow)->subject.text(), "CN=D-7,O=Fleet");
    const auto without = plan_certificate(tmpl, make_grant(), kNow);
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().code, "SubjectClaimMissing");
}

TEST(PlanCertificateTest, RefusesAPurposeThatTheTemplateIsNotFor) {
    Template tmpl = device_template();
    tmpl.purposes = {Purpose::kSignature};
    EXPECT_TRUE(plan_certificate(tmpl, make_grant({.purpose = Purpose::kSignature}), kNow));
    const auto other = plan_certificate(tmpl, make_grant(), kNow);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, "TemplatePurposeMismatch");
}

TEST(PlanCertificateTest, HoldsKeysAgainstTheTemplatesTypesAndSizes) {
    Template tmpl = device_template();
    tmpl.key_types = {"ec:p256"};
    EXPECT_TRUE(plan_certificate(tmpl, make_grant({.device_key = testing::ec_key()}), kNow));
    const auto rsa = plan_certificate(tmpl, make_grant(), kNow);
    ASSERT_FALSE(rsa);
    EXPECT_EQ(rsa.error().code, "KeyTypeNotAllowed");
    tmpl.key_types = {"rsa"};
    EXPECT_TRUE(plan_certificate(tmpl, make_grant(), kNow));
    tmpl.maximum_rsa_bits = 2047;
    const auto too_long = plan_certificate(tmpl, make_grant(), kNow);
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().code, "KeyTooLong");
}

TEST(PlanCertificateTest, DropsAnApplicationPolicyWithTheUsageThatWasNotGranted) {
    Template tmpl = wide_template();
    const Bytes own = certs::extended_key_usage_from_text("1.3.6.1.4.1.99999.1").value();
    tmpl.application_policies = {usage("clientAuth"), usage("emailProtection"), own};
    const auto all = plan_certificate(tmpl, make_grant(), kNow);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->application_policies, tmpl.application_policies);
    const auto some = plan_certificate(
        tmpl, make_grant({.extended_key_usage = certs::ExtendedKeyUsage{usage("clientAuth")}}),
        kNow);
    ASSERT_TRUE(some);
    EXPECT_EQ(some->application_policies, (certs::ExtendedKeyUsage{usage("clientAuth"), own}));
}

TEST(CheckTemplateTest, RefusesWhatCanNotStandInACertificate) {
    const std::pair<const char*, std::function<void(Template&)>> faults[] = {
        {"a policy twice",
         [](Template& tmpl) {
             const CertificatePolicy policy{certs::oid_from_text("1.2.3").value(), {}, {}};
             tmpl.certificate_policies = {policy, policy};
         }},
        {"a notice over 200 characters",
         [](Template& tmpl) {
             tmpl.certificate_policies = {
                 {certs::oid_from_text("1.2.3").value(), {}, std::string(201, 'a')}};
         }},
        {"a CPS that is no URL",
         [](Template& tmpl) {
             tmpl.certificate_policies = {{certs::oid_from_text("1.2.3").value(), {"no url"}, {}}};
         }},
        {"a policy for everything",
         [](Template& tmpl) { tmpl.application_policies = {usage("2.5.29.37.0")}; }},
        {"Microsoft's policy for everything",
         [](Template& tmpl) { tmpl.application_policies = {usage("1.3.6.1.4.1.311.10.12.1")}; }},
        {"versions of a template with a name",
         [](Template& tmpl) {
             tmpl.microsoft = {.name = "User", .oid = {}, .major = 1, .minor = {}};
         }},
        {"a URL of a CPS twice",
         [](Template& tmpl) {
             tmpl.certificate_policies = {
                 {certs::oid_from_text("1.2.3").value(), {"http://a", "http://a"}, {}}};
         }},
        {"a name that BMPString does not have",
         [](Template& tmpl) {
             tmpl.microsoft = {.name = "\xF0\x9F\x94\x91", .oid = {}, .major = {}, .minor = {}};
         }},
        {"neither name nor OID", [](Template& tmpl) { tmpl.microsoft.emplace(); }},
        {"validity that ends before it begins",
         [](Template& tmpl) {
             tmpl.requested_validity = {10, 9};
         }},
        {"a largest RSA key below the smallest",
         [](Template& tmpl) { tmpl.maximum_rsa_bits = 2047; }}};
    EXPECT_TRUE(check_template(device_template()));
    for (const auto& [what, break_it] : faults) {
        Template tmpl = device_template();
        break_it(tmpl);
        const auto sound = check_template(tmpl);
        ASSERT_FALSE(sound) << what;
        EXPECT_EQ(sound.error().code, Errc::kConfig) << what;
    }
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
