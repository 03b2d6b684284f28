// The outer layer: what is read before anything is trusted (attacks.md S01–S08, S12, S17).
#include <gtest/gtest.h>

#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::this_file {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::DerTag;
using certs::testing::RawSignedData;
using certs::testing::to_ber;
using testing::attacker_key;
using testing::device_key;
using testing::envelope_of;
using testing::honest_message;
using testing::Message;
using testing::message_of;
using testing::outcome_of;
using testing::tolerances_of;
using namespace std::string_view_literals;

Bytes with_octet(Bytes bytes) {
    bytes.push_back(0);
    return bytes;
}

TEST(SignedRequestTest, AnHonestMessageIsAccepted) {
    EXPECT_EQ(outcome_of(honest_message()), "accepted");
    EXPECT_TRUE(tolerances_of(honest_message().build()).empty());
}

TEST(SignedRequestTest, ItsViewsSurviveAMove) {
    auto request = read_signed_request(honest_message().build());
    ASSERT_TRUE(request);
    const SignedRequest moved = std::move(*request);
    EXPECT_TRUE(open_request(moved, testing::our_recipients(), {}));
}

TEST(SignedRequestTest, A_S01_TakesBerAtEachSegmentLength) {
    const Bytes sound = honest_message().build();
    for (const std::size_t segment : {1U, 7U, 1000U, 100'000U}) {
        const Bytes ber = to_ber(sound, segment);
        EXPECT_EQ(outcome_of(ber), "accepted") << segment;
        EXPECT_EQ(tolerances_of(ber), Tolerances{"ber"}) << segment;
    }
}

TEST(SignedRequestTest, A_S01_TakesLengthsThatAreNotMinimal) {
    const Bytes sound = honest_message().build();
    certs::DerReader reader(sound);
    const ByteView content = reader.read(DerTag::kSequence).value();
    Bytes padded{0x30,
                 0x84,
                 0x00,
                 0x00,
                 static_cast<std::uint8_t>(content.size() >> 8U),
                 static_cast<std::uint8_t>(content.size())};
    padded.insert(padded.end(), content.begin(), content.end());
    EXPECT_EQ(outcome_of(padded), "accepted");
    EXPECT_EQ(tolerances_of(padded), Tolerances{"ber"});
}

TEST(SignedRequestTest, A_S01_TakesTheFormOfJavaClients) {
    testing::Envelope envelope = envelope_of(device_key());
    Bytes segments;
    const Bytes ciphertext = envelope.encrypted();
    for (ByteView rest = ciphertext; !rest.empty();) {
        const ByteView next = rest.first(std::min<std::size_t>(100, rest.size()));
        const Bytes segment = der::octet_string(next);
        segments.insert(segments.end(), segment.begin(), segment.end());
        rest = rest.subspan(next.size());
    }
    envelope.encrypted_content = der::element(certs::context_constructed(0), segments);
    Message message = message_of(to_ber(envelope.enveloped_data(), 1000), device_key());
    message.digest = certs::Digest::kSha512;
    message.content_type = Message::attribute(oid::kContentType, der::oid(oid::kEnvelopedData));
    RawSignedData data = message.signed_data();
    data.content_type = to_bytes(oid::kEnvelopedData);
    const Bytes java = to_ber(data.build(), 1000);
    EXPECT_EQ(outcome_of(java), "accepted");
    EXPECT_EQ(tolerances_of(java), (Tolerances{"ber", "enveloped-content-type"}));
}

TEST(SignedRequestTest, A_S02_RefusesTrailingOctetsAtEachOuterLevel) {
    const Message message = honest_message();
    EXPECT_EQ(outcome_of(with_octet(message.build())), "400");
    RawSignedData data = message.signed_data();
    data.after_content = {0x05, 0x00};
    EXPECT_EQ(outcome_of(data.build()), "400");
    data = message.signed_data();
    data.after_signers = {0x05, 0x00};
    EXPECT_EQ(outcome_of(data.build()), "400");
    // BER does not open a way around it.
    EXPECT_EQ(outcome_of(with_octet(to_ber(message.build(), 1000))), "400");
}

TEST(SignedRequestTest, A_S03_RefusesEachTruncation) {
    const Bytes sound = honest_message().build();
    const Bytes ber = to_ber(sound, 1000);
    for (std::size_t size = 0; size < sound.size(); ++size)
        ASSERT_FALSE(read_signed_request(ByteView(sound).first(size))) << size;
    for (std::size_t size = 0; size < ber.size(); ++size)
        ASSERT_FALSE(read_signed_request(ByteView(ber).first(size))) << size;
}

TEST(SignedRequestTest, A_S03_RefusesHugeLengthsAndDeepNesting) {
    EXPECT_EQ(outcome_of(Bytes{0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x00}), "400");
    EXPECT_EQ(outcome_of(Bytes{0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}), "400");
    for (const std::size_t depth : {31U, 1000U, 200'000U}) {
        Bytes nested;
        for (std::size_t i = 0; i < depth; ++i)
            nested.insert(nested.end(), {0x30, 0x80});
        EXPECT_EQ(outcome_of(nested), "400") << depth;
        nested.insert(nested.end(), 2 * depth, 0x00);
        EXPECT_EQ(outcome_of(nested), "400") << depth;
    }
}

TEST(SignedRequestTest, A_S04_RefusesOtherContentTypes) {
    const Message message = honest_message();
    const Bytes envelope = envelope_of(device_key()).build();
    EXPECT_EQ(outcome_of(envelope), "400");
    const auto pkcs7 = [](std::uint8_t last) {
        return Bytes{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, last};
    };
    // data, signedAndEnveloped, digestedData, encryptedData; authEnvelopedData, compressedData
    std::vector<Bytes> types{pkcs7(1),
                             pkcs7(4),
                             pkcs7(5),
                             pkcs7(6),
                             to_bytes(oid::kAuthEnvelopedData),
                             {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x09}};
    for (const Bytes& type : types) {
        RawSignedData data = message.signed_data();
        data.outer_type = type;
        EXPECT_EQ(outcome_of(data.build()), "400") << certs::oid_to_text(type);
        data = message.signed_data();
        data.content_type = type;
        if (!equal(type, oid::kData)) {
            EXPECT_EQ(outcome_of(data.build()), "400") << certs::oid_to_text(type);
        }
    }
    EXPECT_EQ(outcome_of(certs::testing::content_info(oid::kSignedData, message.build())), "400");
}

TEST(SignedRequestTest, A_S05_RefusesNoSignerInfo) {
    RawSignedData data = honest_message().signed_data();
    data.signers.clear();
    EXPECT_EQ(outcome_of(data.build()), "400");
}

TEST(SignedRequestTest, A_S06_RefusesTwoSignerInfos) {
    const Message message = honest_message();
    const Bytes good = message.signer().build(message.content);
    certs::testing::RawSigner bad = message.signer();
    bad.signature = Bytes(256, 0x01);
    Message other = message;
    other.set_type("20");
    for (const auto& signers :
         {std::vector<Bytes>{good, bad.build(message.content)},
          std::vector<Bytes>{bad.build(message.content), good}, std::vector<Bytes>{good, good},
          std::vector<Bytes>{other.signer().build(message.content), good},
          std::vector<Bytes>(5, good)}) {
        RawSignedData data = message.signed_data();
        data.signers = signers;
        EXPECT_EQ(outcome_of(data.build()), "400");
    }
}

TEST(SignedRequestTest, A_S07_TheSignersCertificateMustBeThereOnce) {
    const Message message = honest_message();
    RawSignedData data = message.signed_data();
    data.certificates.clear();
    EXPECT_EQ(outcome_of(data.build()), "400");

    certs::testing::RawCertificate other = message.certificate;
    other.serial = der::integer(2);
    data.certificates = {other.build(attacker_key())};
    EXPECT_EQ(outcome_of(data.build()), "400");

    // Twins: the same issuer and serial number, other keys. In neither order is one chosen.
    const Bytes own = message.certificate.build(device_key());
    const Bytes twin = message.certificate.build(attacker_key());
    data.certificates = {own, twin};
    EXPECT_EQ(outcome_of(data.build()), "400");
    data.certificates = {twin, own};
    EXPECT_EQ(outcome_of(data.build()), "400");

    data.certificates = {own, own};
    EXPECT_EQ(outcome_of(data.build()), "accepted");
    data.certificates = {other.build(attacker_key()), own};
    EXPECT_EQ(outcome_of(data.build()), "accepted");
}

TEST(SignedRequestTest, A_S07_AKeyIdentifierThatMeansTwoCertificatesIsRefused) {
    const Bytes identifier(20, 0x42);
    Message message = honest_message();
    message.certificate.extensions = {
        certs::encode_extension(oid::kSubjectKeyIdentifier, false, der::octet_string(identifier))};
    certs::testing::RawSigner signer = message.signer();
    signer.sid = der::element(certs::context_primitive(0), identifier);
    RawSignedData data = message.signed_data();
    data.signers = {signer.build(message.content)};
    EXPECT_EQ(outcome_of(data.build()), "accepted");

    certs::testing::RawCertificate other = message.certificate;
    other.serial = der::integer(2);
    data.certificates.push_back(other.build(attacker_key()));
    EXPECT_EQ(outcome_of(data.build()), "400");
}

TEST(SignedRequestTest, A_S08_LimitsWhatTheBagHolds) {
    const Message message = honest_message();
    RawSignedData data = message.signed_data();
    const Bytes certificate = data.certificates.front();
    data.certificates.assign(10, certificate);
    EXPECT_EQ(outcome_of(data.build()), "accepted");
    data.certificates.assign(11, certificate);
    EXPECT_EQ(outcome_of(data.build()), "400");
    data.certificates.assign(1000, certificate);
    EXPECT_EQ(outcome_of(data.build()), "400");

    certs::testing::RawCertificate large = message.certificate;
    large.serial = der::integer(2);
    large.extensions = {certs::encode_extension(Bytes{0x2A, 0x03}, false, Bytes(70'000, 0x00))};
    data.certificates = {certificate, large.build(device_key())};
    EXPECT_EQ(outcome_of(data.build()), "400");

    // attribute certificates, other formats, and what is no certificate at all
    for (const unsigned choice : {0U, 1U, 2U, 3U}) {
        data.certificates = {certificate, certs::testing::explicit_tag(choice, der::integer(1))};
        EXPECT_EQ(outcome_of(data.build()), "400") << choice;
    }
    data.certificates = {certificate, der::sequence({der::integer(1)})};
    EXPECT_EQ(outcome_of(data.build()), "400");
}

TEST(SignedRequestTest, A_S08_IgnoresCrls) {
    RawSignedData data = honest_message().signed_data();
    data.crls = {der::sequence({der::integer(1)})};
    EXPECT_EQ(outcome_of(data.build()), "accepted");
}

TEST(SignedRequestTest, A_S12_RefusesASignerWithoutSignedAttributes) {
    // The octets that were signed as attributes once, now as content: the signature is good.
    const Message honest = honest_message();
    const certs::testing::RawSigner with = honest.signer();
    Message message = honest;
    message.content = der::element(DerTag::kSet, certs::testing::joined(with.attributes));
    certs::testing::RawSigner without = message.signer();
    without.omit_attributes = true;
    RawSignedData data = message.signed_data();
    data.signers = {without.build(message.content)};
    EXPECT_EQ(outcome_of(data.build()), "400");
}

TEST(SignedRequestTest, A_S17_ATransientCertificateOnlyCarriesAKey) {
    const auto with = [](const auto& change) {
        Message message = honest_message();
        change(message.certificate);
        return outcome_of(message);
    };
    EXPECT_EQ(with([](auto& cert) { cert.not_after = 1'000'000'000; }), "accepted");
    EXPECT_EQ(with([](auto& cert) { cert.not_before = 3'900'000'000; }), "accepted");
    EXPECT_EQ(with([](auto& cert) { cert.with_version = false; }), "accepted");
    EXPECT_EQ(with([](auto& cert) { cert.serial = der::integer(-1); }), "accepted");
    EXPECT_EQ(with([](auto& cert) {
                  cert.extensions = {
                      certs::encode_extension(Bytes{0x2A, 0x03}, true, Bytes(20'000, 0x00))};
              }),
              "accepted");
}

}  // namespace
}  // namespace scepgate::scep::this_file
