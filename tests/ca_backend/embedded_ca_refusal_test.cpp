// When the embedded CA issues for a shorter time, or not at all, or cannot be made.
#include <functional>

#include <gtest/gtest.h>

#include "ca_backend/embedded_ca.hpp"
#include "certs/oids.hpp"
#include "tests/ca_backend/support/chain.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace der = certs::der;
using certs::DerTag;
using certs::GeneralNameType;
using testing::ca_settings;
using testing::CaSpec;
using testing::general_name;
using testing::issue;
using testing::issue_ok;
using testing::kDay;
using testing::kNow;
using testing::make_ca;
using testing::make_grant;
using testing::verify_strictly;
using enum certs::KeyUsageBit;

TEST(EmbeddedCaTest, BackdatesAndEndsWithTheTemplate) {
    const auto ca = make_ca();
    const auto issued = issue_ok(*ca, make_grant());
    EXPECT_EQ(issued.certificate.not_before(), kNow - 600);
    EXPECT_EQ(issued.certificate.not_after(), kNow + 365 * kDay);
    EXPECT_TRUE(issued.notes.empty());
}

TEST(EmbeddedCaTest, EndsWithTheGrantWhenThatIsShorter) {
    const auto ca = make_ca();
    EXPECT_EQ(issue_ok(*ca, make_grant({.max_validity = 3600})).certificate.not_after(),
              kNow + 3600);
}

TEST(EmbeddedCaTest, A02_NeverOutlivesTheCaAndSaysSo) {
    const auto ca = make_ca(ca_settings({.not_after = kNow + 10 * kDay}));
    const auto issued = issue_ok(*ca, make_grant());
    EXPECT_EQ(issued.certificate.not_after(), kNow + 10 * kDay);
    ASSERT_EQ(issued.notes.size(), 1U);
    EXPECT_EQ(verify_strictly(issued.certificate, ca->chain(), kNow), "ok");
}

TEST(EmbeddedCaTest, A02_NeverStartsBeforeTheCa) {
    const auto ca = make_ca(ca_settings({.not_before = kNow - 60}));
    EXPECT_EQ(issue_ok(*ca, make_grant()).certificate.not_before(), kNow - 60);
}

TEST(EmbeddedCaTest, A02_RefusesForNowWhenItsOwnCertificateIsNotValid) {
    for (const CaSpec& spec : {CaSpec{.not_after = kNow}, CaSpec{.not_before = kNow + 1}}) {
        const auto ca = make_ca(ca_settings(spec));
        const auto outcome = issue(*ca, make_grant());
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, "CaNotValid");
        EXPECT_TRUE(outcome.error().temporary);
    }
}

TEST(EmbeddedCaTest, A03_WritesTimesOfBothSidesOf2050) {
    constexpr std::int64_t kEndOf2049 = 2'524'607'999;
    const auto ca = make_ca(ca_settings({.not_after = kEndOf2049 + 3650 * kDay}), kEndOf2049 - 60);
    const auto issued = issue_ok(*ca, make_grant()).certificate;
    EXPECT_EQ(issued.not_before(), kEndOf2049 - 660);
    EXPECT_EQ(issued.not_after(), kEndOf2049 - 60 + 365 * kDay);
    EXPECT_EQ(verify_strictly(issued, ca->chain(), kEndOf2049), "ok");
}

TEST(EmbeddedCaTest, RefusesAnUnknownTemplate) {
    const auto outcome = issue(*make_ca(), make_grant(), "Device");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "TemplateUnknown");
    EXPECT_EQ(outcome.error().fail_info, FailInfo::kBadRequest);
    EXPECT_FALSE(outcome.error().temporary);
}

TEST(EmbeddedCaTest, PassesOnWhatTheTemplateRefuses) {
    const auto outcome =
        issue(*make_ca(), make_grant({.key_usage = certs::KeyUsage{kKeyCertSign}}));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "TemplateKeyUsageMismatch");
}

/// NameConstraints with one dNSName subtree: permitted [0] or excluded [1].
EmbeddedCaSettings constrained_to(unsigned which, std::string_view domain) {
    const Bytes subtree =
        der::sequence({der::element(certs::context_primitive(2), as_bytes(domain))});
    const Bytes value = der::sequence({der::element(certs::context_constructed(which), subtree)});
    const auto constraints = certs::oid_from_text("2.5.29.30").value();
    return ca_settings({.more_extensions = {certs::encode_extension(constraints, true, value)}});
}

Grant host_grant(std::string_view host) {
    return make_grant(
        {.subject = "O=Example", .subject_alt_name = {general_name(GeneralNameType::kDns, host)}});
}

TEST(EmbeddedCaTest, N14_IssuesWithinTheNameConstraintsOfItsChain) {
    const auto ca = make_ca(constrained_to(0, "corp.example"));
    const auto issued = issue_ok(*ca, host_grant("host.CORP.example")).certificate;
    EXPECT_EQ(verify_strictly(issued, ca->chain(), kNow), "ok");
}

TEST(EmbeddedCaTest, N14_RefusesNamesOutsideTheNameConstraintsOfItsChain) {
    const struct {
        EmbeddedCaSettings settings;
        Grant grant;
    } cases[] = {
        {constrained_to(0, "corp.example"), host_grant("host.other.example")},
        {constrained_to(0, "corp.example"), make_grant({.subject = "CN=host.other.example"})},
        {constrained_to(1, "corp.example"), host_grant("host.Corp.Example")},
    };
    for (const auto& [settings, grant] : cases) {
        const auto outcome = issue(*make_ca(settings), grant);
        ASSERT_FALSE(outcome) << &settings - &cases[0].settings;
        EXPECT_EQ(outcome.error().code, "NameNotPermitted");
        EXPECT_FALSE(outcome.error().temporary);
    }
}

TEST(EmbeddedCaTest, N03_CertifiesASubjectInStringsThatItsAttributesHave) {
    const auto grant = [](DerTag tag, std::string_view country) {
        const Bytes attribute = der::sequence(
            {der::oid(certs::oid::kCountryName), der::element(tag, as_bytes(country))});
        return make_grant({.subject_der = der::sequence({der::set({attribute})})});
    };
    const auto ca = make_ca(ca_settings());
    const auto issued = issue_ok(*ca, grant(DerTag::kUtf8String, "DE")).certificate;
    EXPECT_TRUE(equal(issued.subject_der(), certs::Name::from_text("C=DE").value().der()));
    EXPECT_EQ(verify_strictly(issued, ca->chain(), kNow), "ok");
    // As in a certificate that an earlier release issued, and that is renewed.
    const auto refused = issue(*ca, grant(DerTag::kPrintableString, "1?"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "SubjectNameInvalid");
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadRequest);
}

/// NameConstraints with one directoryName subtree that is permitted.
EmbeddedCaSettings constrained_to_name(std::string_view name) {
    const Bytes subtree = der::sequence(
        {der::element(certs::context_constructed(4), certs::Name::from_text(name).value().der())});
    const Bytes value = der::sequence({der::element(certs::context_constructed(0), subtree)});
    const auto constraints = certs::oid_from_text("2.5.29.30").value();
    return ca_settings({.more_extensions = {certs::encode_extension(constraints, true, value)}});
}

TEST(EmbeddedCaTest, N14_CertifiesItsResponderWithinTheNameConstraintsOfItsChain) {
    const auto ca = make_ca(constrained_to_name("O=Example"));
    const auto made = ca->certify_ocsp_responder(testing::ec_key().public_key(), 86'400);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(verify_strictly(*made, ca->chain(), kNow), "ok") << made->subject_text();
    EXPECT_NE(made->subject_text().find("CN=OCSP responder"), std::string::npos);
    EXPECT_FALSE(certs::same_name(made->subject_der(), ca->chain().front().subject_der()));
    const auto elsewhere = make_ca(constrained_to_name("O=Another"));
    const auto refused = elsewhere->certify_ocsp_responder(testing::ec_key().public_key(), 86'400);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kDenied);
    EXPECT_NE(refused.error().detail.find("CN=OCSP responder"), std::string::npos);
}

// As verifiers do (RFC 6125 section 6.4.4): where a dNSName stands, the commonName is no host.
TEST(EmbeddedCaTest, N14_TakesNoCommonNameForAHostNextToADnsName) {
    const auto ca = make_ca(constrained_to(0, "corp.example"));
    const auto issued =
        issue_ok(*ca, make_grant({.subject = "CN=host.other.example",
                                  .subject_alt_name = {general_name(GeneralNameType::kDns,
                                                                    "host.corp.example")}}))
            .certificate;
    EXPECT_EQ(verify_strictly(issued, ca->chain(), kNow), "ok");
}

TEST(EmbeddedCaTest, A07_RefusesToBeMadeFromWhatDoesNotBelongTogether) {
    using Spoil = std::function<void(EmbeddedCaSettings&)>;
    const std::pair<const char*, Spoil> faults[] = {
        {"no certificate", [](auto& settings) { settings.chain.clear(); }},
        {"no key", [](auto& settings) { settings.key = {}; }},
        {"another key", [](auto& settings) { settings.key = testing::ec_key(); }},
        {"not a CA",
         [](auto& settings) { settings.chain = {testing::make_ca_certificate({.ca = false})}; }},
        {"no keyCertSign",
         [](auto& settings) {
             settings.chain = {testing::make_ca_certificate(
                 {.key_usage = certs::KeyUsage{kDigitalSignature, kCrlSign}})};
         }},
        {"no subject",
         [](auto& settings) { settings.chain = {testing::make_ca_certificate({.subject = ""})}; }},
        {"a stranger above it",
         [](auto& settings) {
             settings.chain.push_back(testing::make_ca_certificate({.key = testing::ec_key()}));
         }},
        {"its own key under another name above it",
         [](auto& settings) {
             settings.chain.push_back(testing::make_ca_certificate({.subject = "CN=Other CA"}));
         }},
        {"SHA-1", [](auto& settings) { settings.digest = certs::Digest::kSha1; }},
        {"not a URL", [](auto& settings) { settings.crl_urls = {"not a url"}; }},
        {"a template for CAs",
         [](auto& settings) { settings.templates["device"].key_usage = {kKeyCertSign}; }},
        {"name constraints that are none",
         [](auto& settings) {
             const auto constraints = certs::oid_from_text("2.5.29.30").value();
             settings.chain = {
                 testing::make_ca_certificate({.more_extensions = {certs::encode_extension(
                                                   constraints, true, der::integer(1))}})};
         }},
    };
    const auto clock = std::make_shared<certs::FixedClock>(kNow);
    for (const auto& [what, spoil] : faults) {
        EmbeddedCaSettings settings = ca_settings();
        spoil(settings);
        const auto made = EmbeddedCa::create(std::move(settings), clock);
        ASSERT_FALSE(made) << what;
        EXPECT_EQ(made.error().code, Errc::kConfig) << what;
        EXPECT_NE(made.error().detail.find("\"lab\""), std::string::npos) << made.error().detail;
    }
}

TEST(EmbeddedCaTest, TakesACaCertificateWithoutKeyUsage) {
    const auto ca = make_ca(ca_settings({.key_usage = std::nullopt}));
    EXPECT_TRUE(issue(*ca, make_grant()));
}

TEST(EmbeddedCaTest, APreviewIsWhatIssuingComesTo) {
    const auto ca = make_ca(ca_settings({.not_after = kNow + 10 * kDay}));
    const auto issued = issue_ok(*ca, make_grant());
    const auto preview = ca->preview(make_grant(), {"/scep", "device", "1"});
    ASSERT_TRUE(preview && *preview);
    EXPECT_EQ((*preview)->not_before, issued.certificate.not_before());
    EXPECT_EQ((*preview)->not_after, issued.certificate.not_after());
    EXPECT_EQ((*preview)->notes, issued.notes);
    const auto refused = ca->preview(make_grant(), {"/scep", "nowhere", "1"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "TemplateUnknown");
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
