#include "ca_backend/template.hpp"

#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend {
namespace {

using certs::KeyUsage;
using certs::Purpose;
using testing::device_template;
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
    const auto plan = plan_certificate(tmpl, make_grant());
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, tmpl.key_usage);
    EXPECT_EQ(plan->extended_key_usage, tmpl.extended_key_usage);
    EXPECT_EQ(plan->validity, tmpl.validity);
    EXPECT_TRUE(plan->notes.empty());
}

TEST(PlanCertificateTest, NarrowsAnOpenKeyUsageToThePurposeSignature) {
    const auto plan =
        plan_certificate(wide_template(), make_grant({.purpose = Purpose::kSignature}));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, (KeyUsage{kDigitalSignature, kNonRepudiation}));
}

TEST(PlanCertificateTest, NarrowsAnOpenKeyUsageToThePurposeEncryption) {
    const auto plan =
        plan_certificate(wide_template(), make_grant({.purpose = Purpose::kEncryption}));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, (KeyUsage{kKeyEncipherment, kDataEncipherment, kKeyAgreement}));
}

TEST(PlanCertificateTest, RefusesAPurposeThatTheTemplateHasNothingFor) {
    Template tmpl = device_template();
    tmpl.key_usage = {kDigitalSignature};
    const auto plan = plan_certificate(tmpl, make_grant({.purpose = Purpose::kEncryption}));
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
                    .extended_key_usage = certs::ExtendedKeyUsage{usage("emailProtection")}}));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, KeyUsage{kDigitalSignature});
    EXPECT_EQ(plan->extended_key_usage, certs::ExtendedKeyUsage{usage("emailProtection")});
}

TEST(PlanCertificateTest, RefusesAKeyUsageOutsideTheTemplate) {
    for (const KeyUsage wanted : {KeyUsage{kDigitalSignature, kKeyCertSign}, KeyUsage{kCrlSign},
                                  KeyUsage{kNonRepudiation}}) {
        const auto plan = plan_certificate(device_template(), make_grant({.key_usage = wanted}));
        ASSERT_FALSE(plan) << wanted.text();
        EXPECT_EQ(plan.error().code, "TemplateKeyUsageMismatch");
    }
}

TEST(PlanCertificateTest, RefusesAnExtendedKeyUsageOutsideTheTemplate) {
    // Leaving it out instead would make the certificate unrestricted when it was the only one.
    for (const char* wanted : {"serverAuth", "codeSigning", "OCSPSigning", "smartcardLogon",
                               "1.3.6.1.4.1.311.20.2.1", "2.5.29.37.0"}) {
        const auto plan = plan_certificate(
            device_template(), make_grant({.extended_key_usage = certs::ExtendedKeyUsage{
                                               usage("clientAuth"), usage(wanted)}}));
        ASSERT_FALSE(plan) << wanted;
        EXPECT_EQ(plan.error().code, "TemplateExtendedKeyUsageMismatch");
    }
}

TEST(PlanCertificateTest, RefusesAnExtendedKeyUsageWhenTheTemplateHasNone) {
    Template tmpl = device_template();
    tmpl.extended_key_usage.clear();
    const auto plan = plan_certificate(
        tmpl, make_grant({.extended_key_usage = certs::ExtendedKeyUsage{usage("clientAuth")}}));
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "TemplateExtendedKeyUsageMismatch");
}

TEST(PlanCertificateTest, GivesAnEcKeyNoKeyEnciphermentAndSaysSo) {
    const auto plan =
        plan_certificate(device_template(), make_grant({.device_key = testing::ec_key()}));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->key_usage, KeyUsage{kDigitalSignature});
    EXPECT_EQ(plan->notes.size(), 1U);
}

TEST(PlanCertificateTest, RefusesAnEcKeyThatIsOnlyForKeyEncipherment) {
    const auto plan = plan_certificate(
        device_template(),
        make_grant({.device_key = testing::ec_key(), .key_usage = KeyUsage{kKeyEncipherment}}));
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "TemplateKeyUsageMismatch");
}

TEST(PlanCertificateTest, RefusesAnRsaKeyUnderTheTemplatesMinimum) {
    Template tmpl = device_template();
    tmpl.minimum_rsa_bits = 3072;
    const auto plan = plan_certificate(tmpl, make_grant());
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "KeyTooShort");
    EXPECT_TRUE(plan_certificate(tmpl, make_grant({.device_key = testing::ec_key()})));
}

TEST(PlanCertificateTest, TakesTheShorterValidity) {
    const Template tmpl = device_template();
    EXPECT_EQ(plan_certificate(tmpl, make_grant({.max_validity = 3600}))->validity, 3600);
    EXPECT_EQ(plan_certificate(tmpl, make_grant({.max_validity = tmpl.validity + 1}))->validity,
              tmpl.validity);
}

TEST(PlanCertificateTest, RefusesAGrantWithoutAnyValidity) {
    for (const std::int64_t seconds : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
        const auto plan =
            plan_certificate(device_template(), make_grant({.max_validity = seconds}));
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

}  // namespace
}  // namespace scepgate::ca_backend
