// What a client believes of a CertRep, and what not (rfc8894 section 9).
#include <gtest/gtest.h>

#include "tests/certs/support/raw_cms.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::Digest;
using certs::encode_attribute;
using testing::kNow;
using testing::pki;

namespace der = certs::der;
namespace oid = certs::oid;

/// A reply to pki().request() that a fake server can spoil in any part. An empty attribute is left
/// out.
struct Reply {
    certs::Certificate signer = pki().signing;
    certs::PrivateKey key = testing::ra_key();
    std::vector<certs::Certificate> bag{pki().signing};
    certs::Certificate recipient = pki().transient;
    std::vector<certs::Certificate> certificates{pki().issued};
    certs::ContentCipher cipher = certs::ContentCipher::kAes128Cbc;
    bool oaep = false;
    std::optional<Bytes> content;  ///< absent: the certificates, enveloped
    bool omit_content = false;
    Bytes content_type = to_bytes(oid::kData);
    Bytes message_type = text(oid::kMessageType, "3");
    Bytes status = text(oid::kPkiStatus, "0");
    Bytes fail_info;
    Bytes fail_info_text;
    Bytes transaction_id = text(oid::kTransactionId, "transaction-1");
    Bytes recipient_nonce = encode_attribute(oid::kRecipientNonce, nonce(0x77));

    static Bytes text(ByteView type, std::string_view value) {
        return encode_attribute(type, der::printable_string(value));
    }
    static Bytes nonce(std::uint8_t octet) { return der::octet_string(Bytes(16, octet)); }

    [[nodiscard]] Bytes envelope() const {
        const auto data =
            certs::build_enveloped_data(certs::build_certificates_only(certificates), cipher,
                                        recipient, testing::device_key().public_key(),
                                        oaep ? std::optional(Digest::kSha256) : std::nullopt);
        return certs::build_content_info(oid::kEnvelopedData, data.value());
    }

    [[nodiscard]] Bytes build() const {
        const Bytes inside = content ? *content : envelope();
        certs::SignedDataContents contents;
        contents.content_type = content_type;
        if (!omit_content) contents.content = inside;
        for (const Bytes& attribute :
             {message_type, status, fail_info, fail_info_text, transaction_id, recipient_nonce}) {
            if (!attribute.empty()) contents.signed_attributes.push_back(attribute);
        }
        contents.signing_time = kNow;
        contents.certificates = bag;
        return certs::build_signed_data(contents, signer, key).value();
    }

    /// FAILURE with badRequest and no content.
    static Reply failed() {
        Reply reply;
        reply.omit_content = true;
        reply.status = text(oid::kPkiStatus, "2");
        reply.fail_info = text(oid::kFailInfo, "2");
        return reply;
    }
};

Result<CertReply> decode(ByteView body) {
    return decode_reply(body, pki().request(), pki().certificates(),
                        testing::device_key().public_key());
}
Result<CertReply> decode(const Reply& reply) {
    return decode(reply.build());
}

void expect_refused(const Result<CertReply>& decoded, Errc code) {
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, code) << decoded.error().detail;
}

TEST(ClientReplyTest, TakesASuccessWithItsCertificate) {
    const auto decoded = decode(Reply{});
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->status, PkiStatus::kSuccess);
    EXPECT_EQ(decoded->certificate, pki().issued);
    EXPECT_TRUE(decoded->others.empty());
    EXPECT_FALSE(decoded->fail_info);
}

TEST(ClientReplyTest, TakesWhatTheServerSideWrites) {
    const ReplyAddress to{.transaction_id = "transaction-1", .recipient_nonce = Bytes(16, 0x77)};
    const auto success =
        encode_success(to, {pki().issued, pki().ca}, pki().reply_recipient(), pki().signer(), kNow);
    ASSERT_TRUE(success);
    const auto decoded = decode(*success);
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->certificate, pki().issued);
    EXPECT_EQ(decoded->others, std::vector{pki().ca});

    const auto failure = encode_failure(to, FailInfo::kBadTime, pki().signer(), kNow);
    ASSERT_TRUE(failure);
    const auto refused = decode(*failure);
    ASSERT_TRUE(refused) << refused.error().detail;
    EXPECT_EQ(refused->status, PkiStatus::kFailure);
    EXPECT_EQ(refused->fail_info, FailInfo::kBadTime);
}

TEST(ClientReplyTest, TakesOaepAndThreeDes) {
    Reply reply;
    reply.oaep = true;
    EXPECT_TRUE(decode(reply));
    reply = {};
    reply.cipher = certs::ContentCipher::kDes3Cbc;
    EXPECT_TRUE(decode(reply));
}

/// An envelope as some servers write it, in single DES.
Bytes des_envelope() {
    testing::Envelope envelope;
    envelope.plain = certs::build_certificates_only({pki().issued});
    envelope.openssl_cipher = "DES-EDE3-CBC";
    envelope.iv = Bytes(8, 0xC3);
    envelope.content_key = Bytes(24, 0x5A);  // one key three times is single DES
    envelope.ciphertext = envelope.encrypted();
    envelope.content_key.resize(8);
    envelope.cipher_algorithm =
        der::sequence({der::oid(oid::kDesCbc), der::octet_string(envelope.iv)});
    envelope.recipients = {der::sequence(
        {der::integer(0), pki().transient.issuer_and_serial(),
         der::sequence({der::oid(oid::kRsaEncryption), der::null()}),
         der::octet_string(testing::encrypted_key(envelope, testing::device_key()))})};
    return envelope.build();
}

TEST(ClientReplyTest, R_A23_SingleDesIsRefusedUnlessAskedFor) {
    Reply reply;
    reply.content = des_envelope();
    expect_refused(decode(reply), Errc::kUnsupported);
    ClientRequest request = pki().request();
    request.des_reply = true;
    const auto decoded = decode_reply(reply.build(), request, pki().certificates(),
                                      testing::device_key().public_key());
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->certificate, pki().issued);
}

TEST(ClientReplyTest, R_K01_RefusesAnotherSignerThoughItIsInTheBag) {
    Reply reply;
    reply.signer = pki().ra({.subject = "CN=RA signing", .usage = {}}, testing::attacker_key());
    reply.key = testing::attacker_key();
    reply.bag = {reply.signer};
    expect_refused(decode(reply), Errc::kBadSignature);
}

TEST(ClientReplyTest, R_K01_RefusesASignatureByAnotherKeyInTheSignersName) {
    Reply reply;
    reply.key = testing::attacker_key();
    expect_refused(decode(reply), Errc::kBadSignature);
}

TEST(ClientReplyTest, R_K01_RefusesATwinOfTheSignersCertificateInTheBag) {
    // The same issuer and serial number, the attacker's key.
    Reply reply;
    certs::testing::RawCertificate twin;
    twin.issuer = to_bytes(pki().signing.issuer_der());
    twin.subject = to_bytes(pki().signing.subject_der());
    twin.serial = der::element(certs::DerTag::kInteger, pki().signing.serial());
    reply.signer = certs::Certificate::from_der(twin.build(testing::attacker_key())).value();
    reply.key = testing::attacker_key();
    reply.bag = {reply.signer};
    expect_refused(decode(reply), Errc::kBadSignature);
}

TEST(ClientReplyTest, R_K01_TakesAReplyWithoutCertificates) {
    Reply reply;
    reply.bag.clear();
    EXPECT_TRUE(decode(reply));
}

TEST(ClientReplyTest, R_K01_RefusesTheCasSignatureWhereTheRaSigns) {
    Reply reply;
    reply.signer = pki().ca;
    reply.key = testing::ca_key();
    expect_refused(decode(reply), Errc::kBadSignature);
}

TEST(ClientReplyTest, R_K01_RefusesAChangedMessage) {
    const Bytes good = Reply{}.build();
    ASSERT_TRUE(decode(good));
    // The content's digest, then the signature.
    Bytes content = good;
    content[content.size() / 3] ^= 1U;
    EXPECT_FALSE(decode(content));
    Bytes signature = good;
    signature.back() ^= 1U;
    expect_refused(decode(signature), Errc::kBadSignature);
}

TEST(ClientReplyTest, R_K01_RefusesTwoSignersAndNone) {
    const Bytes reply = Reply{}.build();
    const auto data = certs::parse_signed_data(reply);
    ASSERT_TRUE(data);
    // The same SignerInfo twice in its set, and the set emptied.
    certs::DerReader info(certs::DerReader(reply).read(certs::DerTag::kSequence).value());
    const auto type = info.next().value().whole;
    certs::DerReader wrapped(info.read(certs::context_constructed(0)).value());
    certs::DerReader fields(wrapped.read(certs::DerTag::kSequence).value());
    Bytes before;
    while (!fields.at(certs::DerTag::kSet) || before.size() < 40) {
        const auto whole = fields.next().value().whole;
        before.insert(before.end(), whole.begin(), whole.end());
    }
    const ByteView signer = fields.read(certs::DerTag::kSet).value();
    const auto with = [&](const Bytes& signers) {
        return der::sequence(
            {type, der::element(certs::context_constructed(0), der::sequence({before, signers}))});
    };
    ASSERT_TRUE(decode(with(der::set({signer}))));
    expect_refused(decode(with(der::set({signer, signer}))), Errc::kMalformed);
    expect_refused(decode(with(der::set({}))), Errc::kMalformed);
}

TEST(ClientReplyTest, R_K01_RefusesAnotherMessageType) {
    for (const char* type : {"19", "17", "0", "03", " 3", ""}) {
        Reply reply;
        reply.message_type = Reply::text(oid::kMessageType, type);
        expect_refused(decode(reply), Errc::kMalformed);
    }
    Reply without;
    without.message_type.clear();
    EXPECT_FALSE(decode(without));
}

TEST(ClientReplyTest, R_K01_RefusesAnotherTransactionId) {
    for (const char* id :
         {"transaction-2", "transaction-", "Transaction-1", "transaction-1 ", ""}) {
        Reply reply;
        reply.transaction_id = Reply::text(oid::kTransactionId, id);
        expect_refused(decode(reply), Errc::kConflict);
    }
    Reply without;
    without.transaction_id.clear();
    EXPECT_FALSE(decode(without));
}

TEST(ClientReplyTest, R_B23_RefusesAnotherRecipientNonceAndNone) {
    Bytes one_bit(16, 0x77);
    one_bit.back() ^= 1U;
    for (const Bytes& nonce : {one_bit, Bytes(15, 0x77), Bytes(17, 0x77), Bytes()}) {
        Reply reply;
        reply.recipient_nonce = encode_attribute(oid::kRecipientNonce, der::octet_string(nonce));
        expect_refused(decode(reply), Errc::kConflict);
    }
    Reply without;
    without.recipient_nonce.clear();
    expect_refused(decode(without), Errc::kNotFound);
}

TEST(ClientReplyTest, R_B17_RefusesAnUnknownPkiStatus) {
    for (const char* status : {"1", "4", "00", "-0", "SUCCESS", ""}) {
        Reply reply;
        reply.status = Reply::text(oid::kPkiStatus, status);
        expect_refused(decode(reply), Errc::kMalformed);
    }
    Reply without;
    without.status.clear();
    EXPECT_FALSE(decode(without));
}

TEST(ClientReplyTest, R_B18_RefusesAnUnknownFailInfo) {
    for (const char* info : {"5", "-1", "02", "badAlg", ""}) {
        Reply reply = Reply::failed();
        reply.fail_info = Reply::text(oid::kFailInfo, info);
        expect_refused(decode(reply), Errc::kMalformed);
    }
    Reply without = Reply::failed();
    without.fail_info.clear();
    expect_refused(decode(without), Errc::kNotFound);
}

TEST(ClientReplyTest, R_B18_ReadsEachFailInfo) {
    for (int info = 0; info <= 4; ++info) {
        Reply reply = Reply::failed();
        reply.fail_info = Reply::text(oid::kFailInfo, std::to_string(info));
        const auto decoded = decode(reply);
        ASSERT_TRUE(decoded) << decoded.error().detail;
        EXPECT_EQ(decoded->fail_info, static_cast<FailInfo>(info));
    }
}

TEST(ClientReplyTest, R_K02_AFailuresContentDoesNotMatter) {
    for (const Bytes& content : {Bytes(), Bytes(1, 0x00), Reply{}.envelope()}) {
        Reply reply = Reply::failed();
        reply.omit_content = false;
        reply.content = content;
        const auto decoded = decode(reply);
        ASSERT_TRUE(decoded) << decoded.error().detail;
        EXPECT_EQ(decoded->status, PkiStatus::kFailure);
        EXPECT_FALSE(decoded->certificate);
    }
}

TEST(ClientReplyTest, R_C07_TakesAPendingWithoutContent) {
    Reply reply = Reply::failed();
    reply.status = Reply::text(oid::kPkiStatus, "3");
    reply.fail_info.clear();
    const auto decoded = decode(reply);
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->status, PkiStatus::kPending);
}

TEST(ClientReplyTest, FailInfoTextIsGivenOnlyWhenItIsReadable) {
    Reply reply = Reply::failed();
    reply.fail_info_text = encode_attribute(oid::kFailInfoText, der::utf8_string("pas d'accès"));
    EXPECT_EQ(decode(reply).value().fail_info_text, "pas d'accès");
    reply.fail_info_text = encode_attribute(oid::kFailInfoText, der::utf8_string("\x1B[2Jgone"));
    EXPECT_EQ(decode(reply).value().fail_info_text, "");
}

TEST(ClientReplyTest, R_K03_FindsTheCertificateByKeyNotByPosition) {
    Reply reply;
    reply.certificates = {pki().ca, pki().issued, pki().root};
    const auto decoded = decode(reply);
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->certificate, pki().issued);
    EXPECT_EQ(decoded->others, (std::vector{pki().ca, pki().root}));
}

TEST(ClientReplyTest, R_K03_RefusesASuccessWithoutOurKey) {
    Reply reply;
    reply.certificates = {pki().ca, pki().signing};
    expect_refused(decode(reply), Errc::kConflict);
    reply.certificates.clear();
    expect_refused(decode(reply), Errc::kConflict);
}

TEST(ClientReplyTest, R_K03_TheCertificateThatSignedTheRequestIsNoResult) {
    Reply reply;
    reply.certificates = {pki().transient};
    expect_refused(decode(reply), Errc::kConflict);
    reply.certificates = {pki().transient, pki().issued};
    const auto decoded = decode(reply);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->certificate, pki().issued);
}

TEST(ClientReplyTest, R_K04_RefusesAnEnvelopeToAnotherCertificateOfOurs) {
    Reply reply;
    reply.recipient = pki().issued;  // our key, but not what signed the request
    expect_refused(decode(reply), Errc::kConflict);
}

TEST(ClientReplyTest, RefusesASuccessWithoutEnvelope) {
    Reply reply;
    reply.omit_content = true;
    expect_refused(decode(reply), Errc::kMalformed);
    // The certificates in the open.
    reply = {};
    reply.content = certs::build_certificates_only(reply.certificates);
    expect_refused(decode(reply), Errc::kMalformed);
}

TEST(ClientReplyTest, RefusesAnEnvelopeThatDoesNotOpen) {
    Reply reply;
    Bytes envelope = reply.envelope();
    envelope.back() ^= 0xFFU;
    envelope[envelope.size() - 17] ^= 0xFFU;
    reply.content = envelope;
    expect_refused(decode(reply), Errc::kMalformed);
}

TEST(ClientReplyTest, R_B05_RefusesAnotherContentType) {
    Reply reply;
    reply.content_type = to_bytes(oid::kSignedData);
    expect_refused(decode(reply), Errc::kMalformed);
}

TEST(ClientReplyTest, RefusesWhatIsNoSignedData) {
    for (const Bytes& body : {Bytes(), Bytes(1, 0x30), to_bytes(as_bytes("<html></html>")),
                              to_bytes(pki().ca.der()), Reply{}.envelope()}) {
        expect_refused(decode(body), Errc::kMalformed);
    }
}

TEST(ClientReplyTest, R_B33_TakesBerAtEachLayer) {
    // ContentInfo's outer SEQUENCE with an indefinite length.
    const auto indefinite = [](const Bytes& der_octets) {
        const ByteView content =
            certs::DerReader(der_octets).read(certs::DerTag::kSequence).value();
        const Bytes begin{0x30, 0x80};
        const Bytes end{0x00, 0x00};
        return der::concat({begin, content, end});
    };
    Reply reply;
    reply.content = indefinite(reply.envelope());
    const auto decoded = decode(indefinite(reply.build()));
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->certificate, pki().issued);
}

}  // namespace
}  // namespace scepgate::scep::this_file
