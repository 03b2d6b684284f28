#include "certs/cms_signed_data.hpp"

#include <gtest/gtest.h>

#include "tests/certs/support/raw_cms.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::explicit_tag;
using testing::joined;
using testing::raw_attribute;
using testing::RawCertificate;
using testing::RawSignedData;
using testing::RawSigner;
using testing::rsa_key;

const Bytes kContent{'h', 'e', 'l', 'l', 'o'};
constexpr SignatureAlgorithm kSha256WithRsa{KeyType::kRsa, Digest::kSha256};

Bytes digest_attribute() {
    return raw_attribute(oid::kMessageDigest, {der::octet_string(sha256(kContent))});
}
Bytes type_attribute() {
    return raw_attribute(oid::kContentType, {der::oid(oid::kData)});
}

RawSigner sound_signer() {
    RawSigner signer;
    signer.sid = testing::issuer_and_serial(RawCertificate());
    signer.key = rsa_key();
    signer.attributes = {type_attribute(), digest_attribute()};
    return signer;
}

RawSignedData with_signer(const RawSigner& signer) {
    RawSignedData data;
    data.content = kContent;
    data.certificates = {RawCertificate().build(rsa_key())};
    data.signers = {signer.build(kContent)};
    return data;
}

Errc verdict(const RawSigner& raw) {
    const Bytes der = with_signer(raw).build();
    const auto data = parse_signed_data(der);
    EXPECT_TRUE(data) << data.error().detail;
    const auto verified = verify_signer(data->signers.front(), data->content_type, *data->content,
                                        kSha256WithRsa, rsa_key().public_key());
    EXPECT_FALSE(verified);
    return verified ? Errc::kInternal : verified.error().code;
}

Errc parse_code(ByteView der, const CmsLimits& limits = {}) {
    const auto data = parse_signed_data(der, limits);
    EXPECT_FALSE(data);
    return data ? Errc::kInternal : data.error().code;
}

TEST(CmsSignedDataTest, ReadsEachPart) {
    RawSignedData raw = with_signer(sound_signer());
    raw.crls = {der::sequence({der::integer(5)})};
    const Bytes der = raw.build();
    const auto data = parse_signed_data(der);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_TRUE(equal(data->content_type, oid::kData));
    EXPECT_TRUE(equal(data->content.value(), kContent));
    ASSERT_EQ(data->certificates.size(), 1U);
    ASSERT_EQ(data->crls.size(), 1U);
    EXPECT_TRUE(equal(data->crls[0], raw.crls[0]));
    ASSERT_EQ(data->signers.size(), 1U);
    const CmsSignerInfo& signer = data->signers[0];
    EXPECT_TRUE(signer.signer.names(data->certificates[0]));
    EXPECT_TRUE(equal(signer.digest.algorithm, oid::kSha256));
    EXPECT_TRUE(equal(signer.signature_algorithm.algorithm, oid::kRsaEncryption));
    EXPECT_EQ(signer.signature.size(), 256U);
    ASSERT_EQ(signer.signed_attributes.size(), 2U);
    EXPECT_TRUE(equal(signer.signed_attributes[0].type, oid::kContentType));
    EXPECT_TRUE(verify_signer(signer, data->content_type, *data->content, kSha256WithRsa,
                              rsa_key().public_key()));
}

TEST(CmsSignedDataTest, ReadsTheDegenerateForm) {
    RawSignedData raw;
    raw.certificates = {RawCertificate().build(rsa_key())};
    const Bytes der = raw.build();
    const auto data = parse_signed_data(der);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_FALSE(data->content);
    EXPECT_TRUE(data->signers.empty());
    EXPECT_EQ(data->certificates.size(), 1U);
}

TEST(CmsSignedDataTest, S04_RefusesAnotherContentInfo) {
    RawSignedData raw = with_signer(sound_signer());
    raw.outer_type = to_bytes(oid::kEnvelopedData);
    EXPECT_EQ(parse_code(raw.build()), Errc::kMalformed);
}

TEST(CmsSignedDataTest, S03_RefusesEachTruncationAndAnyIndefiniteLength) {
    const Bytes der = with_signer(sound_signer()).build();
    for (std::size_t size = 0; size < der.size(); ++size)
        ASSERT_EQ(parse_code(ByteView(der).first(size)), Errc::kMalformed) << size;
    EXPECT_EQ(parse_code(testing::to_ber(der, 1000)), Errc::kMalformed);
}

TEST(CmsSignedDataTest, S08_KeepsToItsLimits) {
    const RawSignedData raw = with_signer(sound_signer());
    CmsLimits limits;
    limits.certificates = 1;
    limits.signers = 1;
    limits.attributes = 2;
    limits.certificate_octets = raw.certificates[0].size();
    const Bytes built = raw.build();
    EXPECT_TRUE(parse_signed_data(built, limits));

    --limits.certificate_octets;
    EXPECT_EQ(parse_code(raw.build(), limits), Errc::kMalformed);
    limits = {};
    RawSignedData more = raw;
    more.certificates.assign(limits.certificates + 1, raw.certificates[0]);
    EXPECT_EQ(parse_code(more.build(), limits), Errc::kMalformed);
    more = raw;
    more.signers.assign(limits.signers + 1, raw.signers[0]);
    EXPECT_EQ(parse_code(more.build(), limits), Errc::kMalformed);
    more = raw;
    more.crls.assign(limits.certificates + 1, der::null());
    EXPECT_EQ(parse_code(more.build(), limits), Errc::kMalformed);
    RawSigner attributes = sound_signer();
    attributes.attributes.assign(limits.attributes + 1, type_attribute());
    EXPECT_EQ(parse_code(with_signer(attributes).build(), limits), Errc::kMalformed);
    RawSigner values = sound_signer();
    values.attributes = {
        raw_attribute(oid::kContentType, std::vector<Bytes>(limits.attributes + 1, der::null()))};
    EXPECT_EQ(parse_code(with_signer(values).build(), limits), Errc::kMalformed);
}

TEST(CmsSignerInfoTest, S11_ASingleAttributeIsThereOnceWithOneValue) {
    const auto lookup = [](const std::vector<Bytes>& attributes) {
        RawSigner signer = sound_signer();
        signer.attributes = attributes;
        const Bytes der = with_signer(signer).build();
        const auto value = parse_signed_data(der)->signers[0].single_attribute(oid::kContentType);
        return value ? "found" : value.error().code == Errc::kNotFound ? "absent" : "malformed";
    };
    EXPECT_STREQ(lookup({type_attribute()}), "found");
    EXPECT_STREQ(lookup({}), "absent");
    EXPECT_STREQ(lookup({digest_attribute()}), "absent");
    EXPECT_STREQ(lookup({type_attribute(), type_attribute()}), "malformed");
    EXPECT_STREQ(lookup({raw_attribute(oid::kContentType, {})}), "malformed");
    EXPECT_STREQ(lookup({raw_attribute(oid::kContentType, {der::null(), der::null()})}),
                 "malformed");
}

TEST(VerifySignerTest, S09_S12_ChecksDigestTypeAndSignature) {
    RawSigner signer = sound_signer();
    signer.omit_attributes = true;
    EXPECT_EQ(verdict(signer), Errc::kMalformed);
    signer = sound_signer();
    signer.attributes = {type_attribute()};
    EXPECT_EQ(verdict(signer), Errc::kMalformed);
    signer.attributes = {digest_attribute(), digest_attribute()};
    EXPECT_EQ(verdict(signer), Errc::kMalformed);
    signer.attributes = {type_attribute(), type_attribute(), digest_attribute()};
    EXPECT_EQ(verdict(signer), Errc::kMalformed);
    signer.attributes = {raw_attribute(oid::kMessageDigest, {der::octet_string(Bytes(32, 0x00))})};
    EXPECT_EQ(verdict(signer), Errc::kBadSignature);
    signer.attributes = {raw_attribute(oid::kContentType, {der::oid(oid::kSignedData)}),
                         digest_attribute()};
    EXPECT_EQ(verdict(signer), Errc::kBadSignature);
    signer = sound_signer();
    signer.signature = Bytes(256, 0x01);
    EXPECT_EQ(verdict(signer), Errc::kBadSignature);
    signer = sound_signer();
    signer.digest = Digest::kSha512;
    EXPECT_EQ(verdict(signer), Errc::kBadSignature);
}

TEST(VerifySignerTest, B28_TheSignatureIsOverASetOf) {
    RawSigner signer = sound_signer();
    signer.signature =
        rsa_key().sign(Digest::kSha256, explicit_tag(0, joined(signer.attributes))).value();
    EXPECT_EQ(verdict(signer), Errc::kBadSignature);
}

bool names(const Bytes& sid, const RawCertificate& certificate) {
    DerReader reader(sid);
    const auto reference = read_certificate_reference(reader);
    EXPECT_TRUE(reference);
    EXPECT_TRUE(reader.empty());
    return reference &&
           reference->names(Certificate::from_der(certificate.build(rsa_key())).value());
}

TEST(CertificateReferenceTest, NamesByIssuerAndSerial) {
    RawCertificate certificate;
    certificate.serial = der::integer(0x81);
    const Bytes& issuer = certificate.issuer;
    const auto serial = [](const Bytes& octets) { return der::element(DerTag::kInteger, octets); };
    EXPECT_TRUE(names(der::sequence({issuer, serial({0x00, 0x81})}), certificate));
    EXPECT_TRUE(names(der::sequence({issuer, serial({0x81})}), certificate));
    EXPECT_FALSE(names(der::sequence({issuer, serial({0x80})}), certificate));
    EXPECT_FALSE(names(der::sequence({issuer, serial({0x81, 0x00})}), certificate));
    const Bytes respelled = testing::common_name(DerTag::kPrintableString, "DEVICE");
    EXPECT_TRUE(names(der::sequence({respelled, serial({0x81})}), certificate));
    const Bytes other = testing::common_name(DerTag::kUtf8String, "device 2");
    EXPECT_FALSE(names(der::sequence({other, serial({0x81})}), certificate));
}

TEST(CertificateReferenceTest, NamesByKeyIdentifierFromTheExtensionOnly) {
    const Bytes identifier(20, 0x42);
    const Bytes sid = der::element(context_primitive(0), identifier);
    RawCertificate certificate;
    EXPECT_FALSE(names(sid, certificate));
    certificate.extensions = {
        encode_extension(oid::kSubjectKeyIdentifier, false, der::octet_string(identifier))};
    EXPECT_TRUE(names(sid, certificate));
    EXPECT_FALSE(names(der::element(context_primitive(0), Bytes(20, 0x43)), certificate));
}

TEST(CertificateReferenceTest, AFailedReadDoesNotMoveTheReader) {
    for (const Bytes& sid :
         {der::element(context_primitive(0), {}), der::null(), der::sequence({der::integer(1)}),
          der::sequence({der::sequence({}), der::element(DerTag::kInteger, {})}),
          der::sequence({der::sequence({}), der::integer(1), der::null()})}) {
        DerReader reader(sid);
        EXPECT_FALSE(read_certificate_reference(reader));
        EXPECT_EQ(reader.rest().size(), sid.size());
    }
}

TEST(CertificateReferenceTest, NothingNamesNothing) {
    EXPECT_FALSE(CertificateReference().names(Certificate()));
    EXPECT_FALSE(CertificateReference().names(
        Certificate::from_der(RawCertificate().build(rsa_key())).value()));
}

}  // namespace
}  // namespace scepgate::certs::this_file
