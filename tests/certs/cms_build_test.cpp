// What we write, read by OpenSSL's CMS functions and by our own parsers.
#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/cms_enveloped_data.hpp"
#include "certs/oids.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/certs/support/ossl_cms.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::OsslCms;
using testing::rsa_key;

constexpr std::int64_t kNow = 1'800'000'000;

Certificate certificate_for(const PrivateKey& key, std::uint8_t serial) {
    CertificateContents contents;
    contents.serial = {serial};
    contents.issuer_der = Name::from_text("CN=issuer").value().der();
    contents.subject_der = Name::from_text("CN=subject").value().der();
    contents.not_before = kNow - 60;
    contents.not_after = kNow + 60;
    contents.spki = to_bytes(key.public_key().spki());
    return build_certificate(contents, key, Digest::kSha256).value();
}

const Certificate& rsa_certificate() {
    static const Certificate made = certificate_for(rsa_key(), 0x81);
    return made;
}
const Certificate& ec_certificate() {
    static const Certificate made = certificate_for(ec_key(), 0x02);
    return made;
}

constexpr std::string_view kText = "what is signed or encrypted";

SignedDataContents contents_of(Digest digest) {
    SignedDataContents contents;
    contents.content_type = oid::kData;
    contents.content = as_bytes(kText);
    contents.signed_attributes = {
        encode_attribute(oid::kTransactionId, der::printable_string("a-transaction")),
        encode_attribute(oid::kMessageType, der::printable_string("3"))};
    contents.signing_time = kNow;
    contents.digest = digest;
    return contents;
}

Bytes signed_by_rsa(const SignedDataContents& contents) {
    return build_signed_data(contents, rsa_certificate(), rsa_key()).value();
}

class SignedDataBuildTest : public ::testing::TestWithParam<Digest> {};

INSTANTIATE_TEST_SUITE_P(Digests, SignedDataBuildTest,
                         ::testing::Values(Digest::kSha1, Digest::kSha256, Digest::kSha384,
                                           Digest::kSha512));

TEST_P(SignedDataBuildTest, VerifiesInOpenSslAndIsItsDer) {
    for (const bool rsa : {true, false}) {
        auto contents = contents_of(GetParam());
        const Certificate& certificate = rsa ? rsa_certificate() : ec_certificate();
        contents.certificates = {certificate};
        const auto der = build_signed_data(contents, certificate, rsa ? rsa_key() : ec_key());
        ASSERT_TRUE(der) << der.error().detail;
        const OsslCms cms(*der);
        const auto content = cms.verified_by(certificate);
        ASSERT_TRUE(content);
        EXPECT_EQ(as_text(*content), kText);
        EXPECT_EQ(cms.encoded(), *der);
        EXPECT_FALSE(OsslCms(*der).verified_by(rsa ? ec_certificate() : rsa_certificate()));
    }
}

TEST_P(SignedDataBuildTest, B31_NamesRsaEncryptionOrEcdsaWithTheDigest) {
    const Bytes by_rsa = signed_by_rsa(contents_of(GetParam()));
    const auto rsa = parse_signed_data(by_rsa);
    ASSERT_TRUE(rsa);
    const AlgorithmIdentifier& algorithm = rsa->signers.front().signature_algorithm;
    EXPECT_TRUE(equal(algorithm.algorithm, oid::kRsaEncryption));
    ASSERT_TRUE(algorithm.parameters);
    EXPECT_EQ(algorithm.parameters->tag, DerTag::kNull);

    const auto by_ec = build_signed_data(contents_of(GetParam()), ec_certificate(), ec_key());
    ASSERT_TRUE(by_ec);
    const auto ec = parse_signed_data(*by_ec);
    ASSERT_TRUE(ec);
    const auto parsed = parse_signature_algorithm(ec->signers.front().signature_algorithm);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, (SignatureAlgorithm{KeyType::kEc, GetParam()}));
}

/// The fields of a ContentInfo's SignedData.
DerReader signed_data_fields(ByteView der) {
    DerReader info(DerReader(der).read(DerTag::kSequence).value());
    EXPECT_TRUE(info.next());
    DerReader wrapped(info.read(context_constructed(0)).value());
    return DerReader(wrapped.read(DerTag::kSequence).value());
}

TEST(CmsBuildTest, B26_SignedDataAndSignerHaveVersionOne) {
    const Bytes der = signed_by_rsa(contents_of(Digest::kSha256));
    DerReader fields = signed_data_fields(der);
    EXPECT_EQ(fields.read_small_integer().value(), 1);
    ASSERT_TRUE(fields.next() && fields.next());
    DerReader signers(fields.read(DerTag::kSet).value());
    DerReader signer(signers.read(DerTag::kSequence).value());
    EXPECT_EQ(signer.read_small_integer().value(), 1);
    EXPECT_TRUE(signers.empty());
}

TEST(CmsBuildTest, B26_OtherContentThanDataMakesSignedDataVersionThree) {
    auto contents = contents_of(Digest::kSha256);
    contents.content_type = oid::kEnvelopedData;
    const Bytes der = signed_by_rsa(contents);
    EXPECT_EQ(signed_data_fields(der).read_small_integer().value(), 3);
    EXPECT_TRUE(OsslCms(der).verified_by(rsa_certificate()));
}

TEST(CmsBuildTest, B28_SignedAttributesAreASortedSet) {
    auto contents = contents_of(Digest::kSha256);
    for (const char letter : {'c', 'a', 'b'}) {
        contents.signed_attributes.push_back(
            encode_attribute(oid::kFailInfoText, der::utf8_string(std::string(1, letter))));
    }
    const Bytes der = signed_by_rsa(contents);
    const auto data = parse_signed_data(der);
    ASSERT_TRUE(data);
    DerReader whole(*data->signers.front().signed_attributes_der);
    std::vector<Bytes> sent;
    for (DerReader each(whole.read(context_constructed(0)).value()); !each.empty();)
        sent.push_back(to_bytes(each.next().value().whole));
    EXPECT_EQ(sent.size(), 8U);
    EXPECT_TRUE(std::is_sorted(sent.begin(), sent.end()));
}

TEST(CmsBuildTest, B08_HasContentTypeMessageDigestAndSigningTime) {
    const Bytes der = signed_by_rsa(contents_of(Digest::kSha512));
    const auto data = parse_signed_data(der);
    ASSERT_TRUE(data);
    const CmsSignerInfo& signer = data->signers.front();
    EXPECT_TRUE(equal(signer.single_attribute(oid::kContentType).value().content, oid::kData));
    EXPECT_TRUE(equal(signer.single_attribute(oid::kMessageDigest).value().content,
                      digest_of(Digest::kSha512, as_bytes(kText))));
    EXPECT_EQ(read_time(signer.single_attribute(oid::kSigningTime).value()).value(), kNow);
}

TEST(CmsBuildTest, B01_AbsentContentIsLeftOutAndVerifiesAsEmpty) {
    auto contents = contents_of(Digest::kSha256);
    contents.content.reset();
    const Bytes der = signed_by_rsa(contents);
    const OsslCms cms(der);
    EXPECT_FALSE(cms.has_content());
    EXPECT_TRUE(cms.verified_by(rsa_certificate()));

    contents.content = ByteView();
    const OsslCms empty(signed_by_rsa(contents));
    EXPECT_TRUE(empty.has_content());
    EXPECT_TRUE(empty.verified_by(rsa_certificate()));
}

TEST(CmsBuildTest, B27_SignerIsNamedByIssuerAndSerialNumber) {
    const Bytes der = signed_by_rsa(contents_of(Digest::kSha256));
    const auto data = parse_signed_data(der);
    ASSERT_TRUE(data);
    const CertificateReference& reference = data->signers.front().signer;
    EXPECT_TRUE(reference.key_identifier.empty());
    EXPECT_TRUE(equal(reference.issuer_der, rsa_certificate().issuer_der()));
    EXPECT_TRUE(equal(reference.serial, rsa_certificate().serial()));
}

TEST(CmsBuildTest, C15_CertificatesOnlyKeepsTheOrderAndHasNoSigner) {
    for (const bool rsa_first : {true, false}) {
        std::vector<Certificate> order{rsa_certificate(), ec_certificate()};
        if (!rsa_first) std::swap(order[0], order[1]);
        const Bytes der = build_certificates_only(order);
        const OsslCms cms(der);
        EXPECT_FALSE(cms.has_content());
        EXPECT_EQ(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms.get())), 0);
        const std::vector<Bytes> expected{to_bytes(order[0].der()), to_bytes(order[1].der())};
        EXPECT_EQ(cms.certificates(), expected);
        const auto data = parse_signed_data(der);
        ASSERT_TRUE(data) << data.error().detail;
        EXPECT_TRUE(data->signers.empty());
        EXPECT_TRUE(equal(data->content_type, oid::kData));
        EXPECT_EQ(data->certificates, order);
    }
}

struct Envelope {
    ContentCipher cipher;
    std::optional<Digest> oaep;
};

class EnvelopedDataBuildTest : public ::testing::TestWithParam<Envelope> {};

INSTANTIATE_TEST_SUITE_P(Algorithms, EnvelopedDataBuildTest,
                         ::testing::Values(Envelope{ContentCipher::kDes3Cbc, {}},
                                           Envelope{ContentCipher::kAes128Cbc, {}},
                                           Envelope{ContentCipher::kAes192Cbc, {}},
                                           Envelope{ContentCipher::kAes256Cbc, {}},
                                           Envelope{ContentCipher::kAes128Cbc, Digest::kSha1},
                                           Envelope{ContentCipher::kAes256Cbc, Digest::kSha256},
                                           Envelope{ContentCipher::kAes256Cbc, Digest::kSha512}));

TEST_P(EnvelopedDataBuildTest, OpensInOpenSslAndIsItsDer) {
    const auto enveloped =
        build_enveloped_data(as_bytes(kText), GetParam().cipher, rsa_certificate(),
                             rsa_key().public_key(), GetParam().oaep);
    ASSERT_TRUE(enveloped) << enveloped.error().detail;
    const Bytes der = build_content_info(oid::kEnvelopedData, *enveloped);
    const OsslCms cms(der);
    EXPECT_EQ(cms.encoded(), der);
    const auto plain = cms.decrypted_by(rsa_certificate(), rsa_key());
    ASSERT_TRUE(plain);
    EXPECT_EQ(as_text(*plain), kText);
}

TEST_P(EnvelopedDataBuildTest, A13_HasOneRecipientByIssuerAndSerialNumber) {
    const auto enveloped =
        build_enveloped_data(as_bytes(kText), GetParam().cipher, rsa_certificate(),
                             rsa_key().public_key(), GetParam().oaep);
    ASSERT_TRUE(enveloped);
    const auto data = parse_enveloped_data(*enveloped, false);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_EQ(data->recipients(), 1U);
    ASSERT_EQ(data->key_transport.size(), 1U);
    const KeyTransportRecipient& recipient = data->key_transport.front();
    EXPECT_TRUE(recipient.recipient.key_identifier.empty());
    EXPECT_TRUE(equal(recipient.recipient.serial, rsa_certificate().serial()));
    const auto transport = parse_key_transport(recipient.algorithm);
    ASSERT_TRUE(transport) << transport.error().detail;
    EXPECT_EQ(transport->oaep, GetParam().oaep.has_value());
    if (GetParam().oaep) {
        EXPECT_EQ(transport->digest, *GetParam().oaep);
        EXPECT_EQ(transport->mgf1_digest, *GetParam().oaep);
    } else {
        ASSERT_TRUE(recipient.algorithm.parameters);
        EXPECT_EQ(recipient.algorithm.parameters->tag, DerTag::kNull);
    }
    const auto encryption = parse_content_encryption(data->content_encryption);
    ASSERT_TRUE(encryption) << encryption.error().detail;
    EXPECT_EQ(encryption->cipher, GetParam().cipher);
}

TEST(CmsBuildTest, B26_EnvelopeHasVersionZeroAndPrimitiveContent) {
    const auto der = build_enveloped_data(as_bytes(kText), ContentCipher::kAes128Cbc,
                                          rsa_certificate(), rsa_key().public_key());
    ASSERT_TRUE(der);
    DerReader fields(DerReader(*der).read(DerTag::kSequence).value());
    EXPECT_EQ(fields.read_small_integer().value(), 0);
    ASSERT_TRUE(fields.read(DerTag::kSet));
    DerReader content(fields.read(DerTag::kSequence).value());
    EXPECT_TRUE(equal(content.read_oid().value(), oid::kData));
    ASSERT_TRUE(content.read(DerTag::kSequence));
    EXPECT_TRUE(content.read(context_primitive(0)));
}

TEST(CmsBuildTest, B03_AnEcKeyCannotReceiveAnEnvelope) {
    const auto der = build_enveloped_data(as_bytes(kText), ContentCipher::kAes128Cbc,
                                          ec_certificate(), ec_key().public_key());
    ASSERT_FALSE(der);
    EXPECT_EQ(der.error().code, Errc::kUnsupported);
}

TEST(CmsBuildTest, A23_SingleDesIsNeverWritten) {
    const auto sealed = seal_content(ContentCipher::kDesCbc, as_bytes(kText));
    ASSERT_FALSE(sealed);
    EXPECT_EQ(sealed.error().code, Errc::kUnsupported);
    EXPECT_FALSE(build_enveloped_data(as_bytes(kText), ContentCipher::kDesCbc, rsa_certificate(),
                                      rsa_key().public_key()));
}

TEST(CmsBuildTest, GcmDoesNotGoIntoAnEnvelopedData) {
    const auto der = build_enveloped_data(as_bytes(kText), ContentCipher::kAes256Gcm,
                                          rsa_certificate(), rsa_key().public_key());
    ASSERT_FALSE(der);
    EXPECT_EQ(der.error().code, Errc::kUnsupported);
}

TEST(CmsBuildTest, SealedContentOpensAgainWhateverItsLength) {
    for (const ContentCipher cipher :
         {ContentCipher::kDes3Cbc, ContentCipher::kAes128Cbc, ContentCipher::kAes192Cbc,
          ContentCipher::kAes256Cbc, ContentCipher::kAes256Gcm}) {
        for (const std::size_t length : {0U, 1U, 7U, 8U, 15U, 16U, 17U, 4096U}) {
            const Bytes plain = random_bytes(length);
            const auto sealed = seal_content(cipher, plain);
            ASSERT_TRUE(sealed);
            const bool gcm = cipher == ContentCipher::kAes256Gcm;
            const auto opened =
                gcm ? decrypt_gcm(sealed->key.view(), sealed->iv, sealed->ciphertext, sealed->tag)
                    : decrypt_cbc(cipher, sealed->key.view(), sealed->iv, sealed->ciphertext);
            ASSERT_TRUE(opened) << to_text(cipher) << " " << length;
            EXPECT_TRUE(equal(opened->view(), plain)) << to_text(cipher) << " " << length;
        }
    }
}

TEST(CmsBuildTest, EachSealHasItsOwnKeyAndIv) {
    const auto first = seal_content(ContentCipher::kAes128Cbc, as_bytes(kText));
    const auto second = seal_content(ContentCipher::kAes128Cbc, as_bytes(kText));
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(equal(first->key.view(), second->key.view()));
    EXPECT_NE(first->iv, second->iv);
}

TEST(CmsBuildTest, B32_CipherIdentifiersReadBackWithTheirParameters) {
    for (const ContentCipher cipher :
         {ContentCipher::kDes3Cbc, ContentCipher::kAes128Cbc, ContentCipher::kAes192Cbc,
          ContentCipher::kAes256Cbc, ContentCipher::kAes256Gcm}) {
        const auto sealed = seal_content(cipher, as_bytes(kText));
        ASSERT_TRUE(sealed);
        const Bytes der = encode_content_encryption(cipher, sealed->iv);
        DerReader reader(der);
        const auto identifier = read_algorithm(reader);
        ASSERT_TRUE(identifier);
        const auto parsed = parse_content_encryption(*identifier);
        ASSERT_TRUE(parsed) << parsed.error().detail;
        EXPECT_EQ(parsed->cipher, cipher);
        EXPECT_TRUE(equal(parsed->iv, sealed->iv));
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
