#include "ca_backend/template_conflicts.hpp"

#include <gtest/gtest.h>

#include "certs/ca_oids.hpp"
#include "certs/certificate_builder.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace der = certs::der;
using certs::Purpose;
using testing::device_template;
using testing::kDay;
using testing::kNow;
using enum certs::KeyUsageBit;

Bytes usage(const char* name) {
    return certs::extended_key_usage_from_text(name).value();
}

/// The keys that are complained about; "!" before those that nothing could be granted with.
std::string keys(const std::vector<TemplateConflict>& conflicts) {
    std::string all;
    for (const auto& one : conflicts)
        all += (all.empty() ? "" : " ") + std::string(one.warning ? "" : "!") + one.key;
    return all;
}

/// A chain of a subordinate CA with these extensions under a root.
std::vector<certs::Certificate> chain_with(std::vector<Bytes> extensions) {
    const auto root = testing::make_ca_certificate();
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = to_bytes(root.subject_der());
    contents.subject_der = certs::Name::from_text("CN=Issuing CA,O=Example").value().der();
    contents.not_before = kNow - kDay;
    contents.not_after = kNow + 400 * kDay;
    contents.spki = to_bytes(testing::ec_key().public_key().spki());
    contents.extensions = std::move(extensions);
    contents.extensions.push_back(certs::basic_constraints_extension(true));
    return {certs::build_certificate(contents, testing::rsa_key(), certs::Digest::kSha256).value(),
            root};
}

Bytes policies(const char* oid) {
    return certs::encode_extension(
        certs::oid::kCertificatePolicies, false,
        der::sequence({der::sequence({der::oid(certs::oid_from_text(oid).value())})}));
}

TEST(TemplateConflictsTest, FindsNoneInAnOrdinaryTemplate) {
    EXPECT_EQ(keys(template_conflicts(device_template())), "");
    EXPECT_EQ(keys(template_conflicts(device_template(), chain_with({}), kNow)), "");
}

TEST(TemplateConflictsTest, NamesAnExtendedUsageThatItsKeyUsageCannotServe) {
    Template tmpl = device_template();
    tmpl.key_usage = {kKeyEncipherment};
    tmpl.extended_key_usage = {usage("clientAuth")};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "") << "NDES's encryption template";
    tmpl.extended_key_usage = {usage("codeSigning")};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "extended_key_usage");
}

TEST(TemplateConflictsTest, NamesUsagesWithWhichADeviceActsForOthers) {
    for (const char* power : {"1.3.6.1.4.1.311.20.2.1", "1.3.6.1.5.2.3.5"}) {
        Template tmpl = device_template();
        tmpl.extended_key_usage.push_back(usage(power));
        EXPECT_EQ(keys(template_conflicts(tmpl)), "extended_key_usage") << power;
        tmpl.application_policies = tmpl.extended_key_usage;
        EXPECT_EQ(keys(template_conflicts(tmpl)), "extended_key_usage application_policies");
    }
}

TEST(TemplateConflictsTest, NamesKeyUsagesThatItsPurposeNeverUses) {
    Template tmpl = device_template();
    tmpl.purposes = {Purpose::kSignature};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "key_usage");
    tmpl.purposes = {Purpose::kSignature, Purpose::kEncryption};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "");
    tmpl.key_usage = {kDigitalSignature};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "!key_usage") << "nothing for encryption";
}

TEST(TemplateConflictsTest, NamesATemplateThatCannotServeAPurpose) {
    Template tmpl = device_template();
    EXPECT_FALSE(template_conflict(tmpl, Purpose::kEncryption));
    tmpl.key_usage = {kDigitalSignature};
    EXPECT_EQ(template_conflict(tmpl, Purpose::kEncryption)->key, "key_usage");
    tmpl.purposes = {Purpose::kSignature};
    EXPECT_EQ(template_conflict(tmpl, Purpose::kGeneralPurpose)->key, "purpose");
}

TEST(TemplateConflictsTest, NamesKeysThatCanDoNothingOfTheKeyUsage) {
    Template tmpl = device_template();
    tmpl.key_usage = {kKeyEncipherment};
    tmpl.key_types = {"ec:p256", "ec:p384"};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "!keys");
    tmpl.key_types = {"ec:p256", "rsa"};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "");
}

TEST(TemplateConflictsTest, NamesRsaKeysThatCanDoNothingOfTheKeyUsage) {
    Template tmpl = device_template();
    tmpl.extended_key_usage = {};
    tmpl.key_usage = {kKeyAgreement};
    tmpl.key_types = {"rsa"};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "!keys") << "RFC 3279 section 2.3.1";
    tmpl.key_types = {"rsa", "ec:p256"};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "");
    for (const auto direction : {kEncipherOnly, kDecipherOnly}) {
        tmpl.key_usage = {direction};
        EXPECT_EQ(keys(template_conflicts(tmpl)), "key_usage") << "it is about keyAgreement alone";
        tmpl.key_usage = {direction, kKeyAgreement};
        EXPECT_EQ(keys(template_conflicts(tmpl)), "");
    }
}

TEST(TemplateConflictsTest, NamesApplicationPoliciesThatDifferFromTheExtendedUsages) {
    Template tmpl = device_template();
    tmpl.application_policies = {usage("clientAuth")};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "");
    tmpl.application_policies = {usage("serverAuth")};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "application_policies application_policies");
}

TEST(TemplateConflictsTest, NamesValidityOutsideOfWhatCanBeRequested) {
    Template tmpl = device_template();
    tmpl.requested_validity = {7 * kDay, 90 * kDay};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "validity");
    tmpl.requested_validity = {kDay, 365 * kDay};
    EXPECT_EQ(keys(template_conflicts(tmpl)), "requested_validity.minimum");
}

TEST(TemplateConflictsTest, NamesCriticalExtensionsThatAreAbsent) {
    Template tmpl = device_template();
    tmpl.critical.certificate_policies = true;
    EXPECT_EQ(keys(template_conflicts(tmpl)), "critical");
}

TEST(TemplateConflictsTest, NamesValidityBeyondTheCa) {
    Template tmpl = device_template();
    const auto chain = chain_with({});
    EXPECT_EQ(keys(template_conflicts(tmpl, chain, kNow + 36 * kDay)), "validity");
    tmpl.requested_validity = {7 * kDay, 500 * kDay};
    EXPECT_EQ(keys(template_conflicts(tmpl, chain, kNow)), "validity") << "when it is asked for";
}

TEST(TemplateConflictsTest, NamesPoliciesThatTheCaIsNotCertifiedFor) {
    Template tmpl = device_template();
    tmpl.certificate_policies = {{certs::oid_from_text("1.2.3.4").value(), {}, {}}};
    EXPECT_EQ(keys(template_conflicts(tmpl, chain_with({}), kNow)), "");
    EXPECT_EQ(keys(template_conflicts(tmpl, chain_with({policies("1.2.3.4")}), kNow)), "");
    EXPECT_EQ(keys(template_conflicts(tmpl, chain_with({policies("2.5.29.32.0")}), kNow)), "")
        << "anyPolicy";
    EXPECT_EQ(keys(template_conflicts(tmpl, chain_with({policies("1.2.3.5")}), kNow)),
              "certificate_policies");
}

TEST(TemplateConflictsTest, NamesExtendedUsagesThatTheCaIsNotCertifiedFor) {
    const Template tmpl = device_template();
    const auto limited = [](const char* name) {
        return chain_with({certs::extended_key_usage_extension({usage(name)})});
    };
    EXPECT_EQ(keys(template_conflicts(tmpl, limited("clientAuth"), kNow)), "");
    EXPECT_EQ(keys(template_conflicts(tmpl, limited("2.5.29.37.0"), kNow)), "") << "any";
    EXPECT_EQ(keys(template_conflicts(tmpl, limited("serverAuth"), kNow)), "extended_key_usage");
}

//   NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL, … }
TEST(TemplateConflictsTest, NamesAPatternThatTheNameConstraintsExclude) {
    const Bytes directory = der::element(certs::context_constructed(4),
                                         certs::Name::from_text("O=Example").value().der());
    const Bytes constraints = certs::encode_extension(
        certs::oid::kNameConstraints, true,
        der::sequence({der::element(certs::context_constructed(0), der::sequence({directory}))}));
    const auto chain = chain_with({constraints});
    Template tmpl = device_template();
    tmpl.subject = SubjectPattern::parse("CN={device_id},O=Example").value();
    EXPECT_EQ(keys(template_conflicts(tmpl, chain, kNow)), "");
    tmpl.subject = SubjectPattern::parse("CN={device_id},O=Other").value();
    EXPECT_EQ(keys(template_conflicts(tmpl, chain, kNow)), "subject");
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
