// What stands in the certificates of the embedded CA.
#include <set>

#include <gtest/gtest.h>

#include "ca_backend/embedded_ca.hpp"
#include "certs/ca_oids.hpp"
#include "certs/oids.hpp"
#include "tests/ca_backend/support/chain.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::GeneralNameType;
using certs::KeyType;
using testing::ca_settings;
using testing::general_name;
using testing::issue;
using testing::issue_ok;
using testing::kDay;
using testing::kNow;
using testing::make_ca;
using testing::make_grant;
using testing::verify_strictly;
using enum certs::KeyUsageBit;

constexpr auto* kSid = "S-1-5-21-1004336348-1177238915-682003330-512";

std::vector<std::string> extension_oids(const certs::Certificate& certificate) {
    std::vector<std::string> oids;
    for (const certs::Extension& extension : certificate.extensions())
        oids.push_back(certs::oid_to_text(extension.oid));
    return oids;
}

std::string extension_hex(const certs::Certificate& certificate, ByteView wanted) {
    const certs::Extension* found = certs::find_extension(certificate.extensions(), wanted);
    return found == nullptr ? "absent"
                            : (found->critical ? "critical " : "") + to_hex(found->value);
}

/// OpenSSL's own decoders say the same with `openssl x509 -text`; these are the octets.
TEST(EmbeddedCaTest, N11_IssuesTheGoldenProfileWhateverTheRequestAsksFor) {
    const auto extension = [](std::string_view dotted, std::string_view hex) {
        return certs::encode_extension(certs::oid_from_text(dotted).value(), true,
                                       from_hex(hex).value());
    };
    const auto usages = [](std::initializer_list<const char*> names) {
        certs::ExtendedKeyUsage list;
        for (const char* name : names)
            list.push_back(certs::extended_key_usage_from_text(name).value());
        return list;
    };
    const certs::CsrContents hostile{
        .subject = certs::Name::from_text("CN=admin,OU=Domain Admins").value(),
        .subject_alt_name = {general_name(GeneralNameType::kUpn, "admin@corp.example")},
        .key_usage = certs::KeyUsage{kKeyCertSign, kCrlSign},
        .extended_key_usage = usages({"2.5.29.37.0", "OCSPSigning", "codeSigning", "smartcardLogon",
                                      "1.3.6.1.4.1.311.20.2.1"}),
        .challenge = "challenge",
        .more_extensions = {
            extension("2.5.29.19", "30030101ff"),                      // basicConstraints CA:TRUE
            extension("2.5.29.14", "04020102"),                        // subjectKeyIdentifier
            extension("2.5.29.35", "3004800201ff"),                    // authorityKeyIdentifier
            extension("2.5.29.31", "300d300ba009a00786056c6f63616c"),  // cRLDistributionPoints
            extension("2.5.29.36", "3003800100"),                      // policyConstraints
            extension("1.3.6.1.4.1.11129.2.4.3", "0500"),              // CT poison
            extension("1.3.6.1.4.1.311.20.2", "1e040041004d"),         // Microsoft template name
            certs::encode_extension(oid::kNtdsCaSecurity, false,
                                    certs::encode_sid_extension("S-1-5-21-1-2-3-500")),
        }};
    const auto request =
        testing::make_request(testing::rsa_key(), hostile, certs::Purpose::kGeneralPurpose);
    policy::GrantMaker maker(request, "test");
    maker.names(certs::Name::from_text("CN=device-1,O=Example").value(),
                {general_name(GeneralNameType::kDns, "device-1.example")});
    const Grant grant = std::move(maker).make();

    const auto ca = make_ca();
    const certs::Certificate issued = issue_ok(*ca, grant).certificate;

    const std::vector<std::string> expected = {"2.5.29.19", "2.5.29.15", "2.5.29.37",
                                               "2.5.29.14", "2.5.29.35", "2.5.29.17"};
    EXPECT_EQ(extension_oids(issued), expected);
    EXPECT_EQ(extension_hex(issued, oid::kBasicConstraints), "critical 3000");
    EXPECT_EQ(extension_hex(issued, oid::kKeyUsage), "critical 030205a0");
    EXPECT_EQ(extension_hex(issued, oid::kExtKeyUsage), "300a06082b06010505070302");
    EXPECT_EQ(extension_hex(issued, oid::kSubjectKeyIdentifier),
              "0414" + to_hex(testing::rsa_key().public_key().key_identifier()));
    EXPECT_EQ(extension_hex(issued, oid::kAuthorityKeyIdentifier),
              "30168014" + to_hex(testing::rsa_key().public_key().key_identifier()));
    EXPECT_EQ(extension_hex(issued, oid::kSubjectAltName),
              "30128210" + to_hex(as_bytes("device-1.example")));
    EXPECT_EQ(issued.subject_text(), "CN=device-1,O=Example");
    EXPECT_EQ(issued.issuer_text(), "CN=Test CA,O=Example");
    EXPECT_TRUE(equal(issued.spki(), testing::rsa_key().public_key().spki()));
    EXPECT_EQ(verify_strictly(issued, ca->chain(), kNow), "ok");
}

TEST(EmbeddedCaTest, ChainsForEveryKindOfCaKey) {
    const struct {
        KeyType type;
        int bits;
        certs::Digest digest;
    } cases[] = {{KeyType::kRsa, 2048, certs::Digest::kSha256},
                 {KeyType::kEc, 256, certs::Digest::kSha256},
                 {KeyType::kEc, 384, certs::Digest::kSha384},
                 {KeyType::kEc, 521, certs::Digest::kSha512}};
    for (const auto& [type, bits, digest] : cases) {
        const auto& key = testing::key(type, bits);
        const auto ca = make_ca(ca_settings({.key = key}));
        const auto issued = issue_ok(*ca, make_grant()).certificate;
        EXPECT_EQ(verify_strictly(issued, ca->chain(), kNow), "ok") << bits;
        const Bytes identifier = certs::signature_identifier(key.signature_algorithm(digest));
        EXPECT_TRUE(std::search(issued.tbs().begin(), issued.tbs().end(), identifier.begin(),
                                identifier.end()) != issued.tbs().end())
            << bits;
    }
}

TEST(EmbeddedCaTest, ChainsBelowAnIntermediate) {
    const auto root = testing::make_ca_certificate({.subject = "CN=Root"});
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = to_bytes(root.subject_der());
    contents.subject_der = certs::Name::from_text("CN=Issuing").value().der();
    contents.not_before = kNow - kDay;
    contents.not_after = kNow + 1000 * kDay;
    contents.spki = to_bytes(testing::ec_key().public_key().spki());
    contents.extensions = {
        certs::basic_constraints_extension(true, 0),
        certs::key_usage_extension({kKeyCertSign, kCrlSign}),
        certs::subject_key_identifier_extension(testing::ec_key().public_key()),
        certs::authority_key_identifier_extension(testing::rsa_key().public_key().key_identifier()),
    };
    const auto issuing =
        certs::build_certificate(contents, testing::rsa_key(), certs::Digest::kSha256).value();

    EmbeddedCaSettings settings = ca_settings();
    settings.key = testing::ec_key();
    settings.chain = {issuing, root};
    const auto ca = make_ca(settings);
    EXPECT_EQ(verify_strictly(issue_ok(*ca, make_grant()).certificate, ca->chain(), kNow), "ok");

    settings.chain = {issuing, issuing};
    const auto out_of_order =
        EmbeddedCa::create(settings, std::make_shared<certs::FixedClock>(kNow));
    ASSERT_FALSE(out_of_order);
    EXPECT_EQ(out_of_order.error().code, Errc::kConfig);
}

TEST(EmbeddedCaTest, N06_MarksTheAlternativeNamesCriticalWhenTheSubjectIsEmpty) {
    const auto ca = make_ca();
    const auto issued =
        issue_ok(*ca, make_grant(
                          {.subject = "",
                           .subject_alt_name = {general_name(GeneralNameType::kDns, "a.example")}}))
            .certificate;
    EXPECT_EQ(to_hex(issued.subject_der()), "3000");
    EXPECT_EQ(extension_hex(issued, oid::kSubjectAltName),
              "critical 300b8209" + to_hex(as_bytes("a.example")));
    EXPECT_EQ(verify_strictly(issued, ca->chain(), kNow), "ok");
}

TEST(EmbeddedCaTest, PointsToCrlsOcspAndTheIssuer) {
    EmbeddedCaSettings settings = ca_settings();
    settings.crl_urls = {"http://a.example/c", "http://b.example/c"};
    settings.freshest_crl_urls = {"http://d.example/c"};
    settings.ocsp_urls = {"http://o.example"};
    settings.ca_issuers_urls = {"http://i.example/ca"};
    const auto ca = make_ca(settings);
    const auto issued = issue_ok(*ca, make_grant()).certificate;
    EXPECT_EQ(extension_hex(issued, oid::kCrlDistributionPoints),
              "302e302ca02aa0288612" + to_hex(as_bytes("http://a.example/c")) + "8612" +
                  to_hex(as_bytes("http://b.example/c")));
    EXPECT_EQ(extension_hex(issued, oid::kFreshestCrl),
              "301a3018a016a0148612" + to_hex(as_bytes("http://d.example/c")));
    EXPECT_EQ(extension_hex(issued, oid::kAuthorityInfoAccess),
              "303f301c06082b060105050730018610" + to_hex(as_bytes("http://o.example")) +
                  "301f06082b060105050730028613" + to_hex(as_bytes("http://i.example/ca")));
    EXPECT_EQ(verify_strictly(issued, ca->chain(), kNow), "ok");
}

TEST(EmbeddedCaTest, N09_CarriesTheGrantsSidOnlyWhereTheTemplateAllowsIt) {
    EmbeddedCaSettings settings = ca_settings();
    settings.templates["strong"] = testing::device_template();
    settings.templates["strong"].sid_extension = true;
    const auto ca = make_ca(settings);
    const Grant grant = make_grant({.sid = kSid});

    const auto with = issue_ok(*ca, grant, "strong");
    const auto* extension =
        certs::find_extension(with.certificate.extensions(), oid::kNtdsCaSecurity);
    ASSERT_NE(extension, nullptr);
    EXPECT_EQ(certs::parse_sid_extension(extension->value).value(), kSid);
    EXPECT_EQ(verify_strictly(with.certificate, ca->chain(), kNow), "ok");

    const auto without = issue_ok(*ca, grant, "device");
    EXPECT_EQ(extension_hex(without.certificate, oid::kNtdsCaSecurity), "absent");
    EXPECT_EQ(without.notes.size(), 1U) << "what was left out is told";

    const auto nobody = issue_ok(*ca, make_grant(), "strong");
    EXPECT_EQ(extension_hex(nobody.certificate, oid::kNtdsCaSecurity), "absent");
}

TEST(EmbeddedCaTest, N09_RefusesATextThatIsNoSid) {
    EmbeddedCaSettings settings = ca_settings();
    settings.templates["device"].sid_extension = true;
    const auto ca = make_ca(settings);
    const auto outcome = issue(*ca, make_grant({.sid = "S-1-5-21-x"}));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "SidInvalid");
}

TEST(EmbeddedCaTest, A01_GivesEachCertificateALongPositiveSerialOfItsOwn) {
    const auto ca = make_ca();
    const Grant grant = make_grant();
    std::set<std::string> serials;
    for (int i = 0; i < 50; ++i) {
        const auto issued = issue_ok(*ca, grant).certificate;
        EXPECT_LE(issued.serial().size(), 20U);
        EXPECT_EQ(issued.serial()[0] & 0x80, 0) << "negative";
        serials.insert(issued.serial_hex());
    }
    EXPECT_EQ(serials.size(), 50U);
}

// Other CAs make theirs as they like; verifiers compare the octets.
TEST(EmbeddedCaTest, NamesTheKeyOfItsCaAsTheCertificateOfThatDoes) {
    testing::CaSpec spec;
    spec.key_identifier = Bytes(8, 0x5A);
    const auto ca = make_ca(ca_settings(spec));
    const auto issued = issue_ok(*ca, make_grant()).certificate;
    EXPECT_EQ(extension_hex(issued, oid::kAuthorityKeyIdentifier),
              "300a8008" + to_hex(Bytes(8, 0x5A)));
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
