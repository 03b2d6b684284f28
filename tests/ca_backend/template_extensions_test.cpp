#include "ca_backend/template_extensions.hpp"

#include <gtest/gtest.h>

#include "certs/ca_oids.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace oid = certs::oid;
using testing::device_template;
using testing::kNow;
using testing::make_grant;

/// The value of an extension in hexadecimal, "critical " before it if it is; "absent".
std::string extension(const Template& tmpl, ByteView wanted) {
    const auto plan = plan_certificate(tmpl, make_grant(), kNow).value();
    Bytes all;
    for (const Bytes& one : template_extensions(tmpl, plan))
        all.insert(all.end(), one.begin(), one.end());
    const Bytes list = certs::der::element(certs::DerTag::kSequence, all);
    const auto parsed = certs::parse_extensions(list).value();
    const auto* found = certs::find_extension(parsed, wanted);
    if (found == nullptr) return "absent";
    return (found->critical ? "critical " : "") + to_hex(found->value);
}

Bytes oid_of(const char* text) {
    return certs::oid_from_text(text).value();
}

TEST(TemplateExtensionsTest, WritesOnlyUsagesUnlessAskedForMore) {
    const Template tmpl = device_template();
    EXPECT_EQ(extension(tmpl, oid::kKeyUsage), "critical 030205a0");
    EXPECT_EQ(extension(tmpl, oid::kExtKeyUsage), "300a06082b06010505070302");
    EXPECT_EQ(extension(tmpl, oid::kApplicationPolicies), "absent");
    EXPECT_EQ(extension(tmpl, oid::kCertificatePolicies), "absent");
    EXPECT_EQ(extension(tmpl, oid::kCertificateTemplate), "absent");
    EXPECT_EQ(extension(tmpl, oid::kCertificateTemplateName), "absent");
}

TEST(TemplateExtensionsTest, MarksAsCriticalWhatTheTemplateSays) {
    Template tmpl = device_template();
    tmpl.application_policies = tmpl.extended_key_usage;
    tmpl.certificate_policies = {{oid_of("1.2.3"), {}, {}}};
    tmpl.critical = {.key_usage = false,
                     .extended_key_usage = true,
                     .application_policies = true,
                     .certificate_policies = true};
    EXPECT_EQ(extension(tmpl, oid::kKeyUsage), "030205a0");
    EXPECT_EQ(extension(tmpl, oid::kExtKeyUsage), "critical 300a06082b06010505070302");
    EXPECT_EQ(extension(tmpl, oid::kApplicationPolicies), "critical 300c300a06082b06010505070302");
    EXPECT_EQ(extension(tmpl, oid::kCertificatePolicies), "critical 3006300406022a03");
}

TEST(TemplateExtensionsTest, WritesPoliciesWithTheirStatementsAndNotice) {
    Template tmpl = device_template();
    tmpl.certificate_policies = {{oid_of("1.2.3"), {"http://a"}, "Hi"}};
    EXPECT_EQ(extension(tmpl, oid::kCertificatePolicies),
              "3030302e06022a033028301406082b060105050702011608" + to_hex(as_bytes("http://a")) +
                  "301006082b0601050507020230040c02" + to_hex(as_bytes("Hi")));
}

TEST(TemplateExtensionsTest, NamesTheMicrosoftTemplateByOidAndVersions) {
    Template tmpl = device_template();
    tmpl.microsoft = {.name = {}, .oid = oid_of("1.2.3"), .major = 100, .minor = 4};
    EXPECT_EQ(extension(tmpl, oid::kCertificateTemplate), "300a06022a03020164020104");
    tmpl.microsoft = {.name = {}, .oid = oid_of("1.2.3"), .major = {}, .minor = {}};
    EXPECT_EQ(extension(tmpl, oid::kCertificateTemplate), "300406022a03");
    EXPECT_EQ(extension(tmpl, oid::kCertificateTemplateName), "absent");
}

TEST(TemplateExtensionsTest, NamesAVersionOneTemplateByItsName) {
    Template tmpl = device_template();
    tmpl.microsoft = {.name = "U1", .oid = {}, .major = {}, .minor = {}};
    EXPECT_EQ(extension(tmpl, oid::kCertificateTemplateName), "1e0400550031");
    EXPECT_EQ(extension(tmpl, oid::kCertificateTemplate), "absent");
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
