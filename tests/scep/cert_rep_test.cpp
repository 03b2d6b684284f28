// The replies, as OpenSSL and our own parsers read them (clients-on-the-wire: "Replies").
#include "scep/cert_rep.hpp"

#include <gtest/gtest.h>

#include "tests/certs/support/ossl_cms.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::ContentCipher;
using certs::DerTag;
using certs::Digest;
using certs::testing::OsslCms;
using testing::kNow;
using testing::pki;

ReplyAddress address() {
    return {.transaction_id = "A/b+c=_@1",
            .transaction_id_type = DerTag::kUtf8String,
            .recipient_nonce = Bytes(16, 0x42),
            .digest = Digest::kSha256,
            .cipher = ContentCipher::kAes128Cbc};
}

Bytes success(const ReplyAddress& to = address()) {
    return encode_success(to, {pki().issued}, pki().reply_recipient(), pki().signer(), kNow)
        .value();
}

Bytes failure(FailInfo info = FailInfo::kBadRequest, const ReplyAddress& to = address()) {
    return encode_failure(to, info, pki().signer(), kNow).value();
}

/// A reply's one signer; the message must outlive it.
certs::CmsSignerInfo signer_of(const Bytes& reply) {
    return certs::parse_signed_data(reply).value().signers.at(0);
}

void expect_value(const certs::CmsSignerInfo& signer, ByteView type, DerTag tag, ByteView value) {
    const auto found = signer.single_attribute(type);
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->tag, tag);
    EXPECT_TRUE(equal(found->content, value)) << as_text(found->content);
}

TEST(CertRepTest, R_C04_SuccessCarriesTheIssuedCertificateToTheRequestsSigner) {
    const OsslCms outer(success());
    const auto content = outer.verified_by(pki().signing);
    ASSERT_TRUE(content);
    const auto plain = OsslCms(*content).decrypted_by(pki().transient, testing::device_key());
    ASSERT_TRUE(plain);
    const OsslCms inner(*plain);
    EXPECT_EQ(inner.certificates(), std::vector<Bytes>{to_bytes(pki().issued.der())});
    EXPECT_EQ(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(inner.get())), 0);
    EXPECT_FALSE(inner.has_content());
}

TEST(CertRepTest, R_C04_TheIssuedCertificateStaysFirstWhateverTheDerOrder) {
    for (const bool swap : {false, true}) {
        std::vector<certs::Certificate> chain{pki().issued, pki().ca};
        if (swap) std::swap(chain[0], chain[1]);
        const auto reply =
            encode_success(address(), chain, pki().reply_recipient(), pki().signer(), kNow);
        ASSERT_TRUE(reply);
        const auto content = OsslCms(*reply).verified_by(pki().signing);
        ASSERT_TRUE(content);
        const auto plain = OsslCms(*content).decrypted_by(pki().transient, testing::device_key());
        ASSERT_TRUE(plain);
        EXPECT_EQ(OsslCms(*plain).certificates().at(0), to_bytes(chain[0].der()));
    }
}

TEST(CertRepTest, R_B33_RepliesAreDer) {
    for (const Bytes& reply : {success(), failure()}) {
        const OsslCms outer(reply);
        EXPECT_EQ(outer.encoded(), reply);
    }
    const auto content = OsslCms(success()).verified_by(pki().signing);
    ASSERT_TRUE(content);
    EXPECT_EQ(OsslCms(*content).encoded(), *content);
}

TEST(CertRepTest, R_B09_SuccessHasExactlyTheAttributesThatClientsRead) {
    const Bytes reply = success();
    const certs::CmsSignerInfo signer = signer_of(reply);
    EXPECT_EQ(signer.signed_attributes.size(), 8U);
    expect_value(signer, certs::oid::kMessageType, DerTag::kPrintableString, as_bytes("3"));
    expect_value(signer, certs::oid::kPkiStatus, DerTag::kPrintableString, as_bytes("0"));
    expect_value(signer, certs::oid::kTransactionId, DerTag::kUtf8String, as_bytes("A/b+c=_@1"));
    expect_value(signer, certs::oid::kRecipientNonce, DerTag::kOctetString, Bytes(16, 0x42));
    expect_value(signer, certs::oid::kContentType, DerTag::kOid, certs::oid::kData);
    const auto nonce = signer.single_attribute(certs::oid::kSenderNonce);
    ASSERT_TRUE(nonce);
    EXPECT_EQ(nonce->tag, DerTag::kOctetString);
    EXPECT_EQ(nonce->content.size(), 16U);
    const auto time = signer.single_attribute(certs::oid::kSigningTime);
    ASSERT_TRUE(time);
    EXPECT_EQ(certs::read_time(*time).value(), kNow);
    EXPECT_TRUE(signer.single_attribute(certs::oid::kMessageDigest));
}

TEST(CertRepTest, R_B10_EachReplyHasAFreshSenderNonce) {
    const Bytes first = failure();
    const Bytes second = failure();
    const auto nonce = [](const Bytes& reply) {
        return to_bytes(
            signer_of(reply).single_attribute(certs::oid::kSenderNonce).value().content);
    };
    EXPECT_NE(nonce(first), nonce(second));
}

TEST(CertRepTest, R_B22_TheRecipientNonceIsTheRequestsWhateverItsLength) {
    for (const std::size_t length : {1U, 8U, 17U, 64U}) {
        ReplyAddress to = address();
        to.recipient_nonce = random_bytes(length);
        const Bytes reply = failure(FailInfo::kBadAlg, to);
        expect_value(signer_of(reply), certs::oid::kRecipientNonce, DerTag::kOctetString,
                     to.recipient_nonce);
    }
}

TEST(CertRepTest, R_B08_WhoSentNoNonceGetsNone) {
    ReplyAddress to = address();
    to.recipient_nonce.clear();
    const Bytes reply = failure(FailInfo::kBadRequest, to);
    const auto attributes = signer_of(reply);
    EXPECT_EQ(attributes.single_attribute(certs::oid::kRecipientNonce).error().code,
              Errc::kNotFound);
}

TEST(CertRepTest, R_C06_FailureHasNoContentAndItsFailInfo) {
    for (const auto& [info, text] :
         {std::pair{FailInfo::kBadAlg, "0"}, std::pair{FailInfo::kBadMessageCheck, "1"},
          std::pair{FailInfo::kBadRequest, "2"}, std::pair{FailInfo::kBadTime, "3"},
          std::pair{FailInfo::kBadCertId, "4"}}) {
        const Bytes reply = failure(info);
        const OsslCms outer(reply);
        EXPECT_FALSE(outer.has_content());
        EXPECT_TRUE(outer.verified_by(pki().signing));
        const certs::CmsSignerInfo signer = signer_of(reply);
        EXPECT_EQ(signer.signed_attributes.size(), 9U);
        expect_value(signer, certs::oid::kPkiStatus, DerTag::kPrintableString, as_bytes("2"));
        expect_value(signer, certs::oid::kFailInfo, DerTag::kPrintableString, as_bytes(text));
    }
}

TEST(CertRepTest, R_C13_TheSignersCertificateIsInTheBagAlone) {
    for (const Bytes& reply : {success(), failure()}) {
        EXPECT_EQ(OsslCms(reply).certificates(), std::vector<Bytes>{to_bytes(pki().signing.der())});
    }
}

TEST(CertRepTest, R_A13_TheEnvelopeHasOneRecipientByPkcs1) {
    const auto content = OsslCms(success()).verified_by(pki().signing);
    ASSERT_TRUE(content);
    certs::DerReader info(certs::DerReader(*content).read(DerTag::kSequence).value());
    ASSERT_TRUE(info.next());
    const ByteView enveloped = info.read(certs::context_constructed(0)).value();
    const auto data = certs::parse_enveloped_data(enveloped, false);
    ASSERT_TRUE(data);
    ASSERT_EQ(data->recipients(), 1U);
    EXPECT_TRUE(data->key_transport.at(0).recipient.names(pki().transient));
    EXPECT_FALSE(certs::parse_key_transport(data->key_transport.at(0).algorithm).value().oaep);
}

TEST(CertRepTest, RepliesUseTheDigestAskedFor) {
    for (const Digest digest : {Digest::kSha1, Digest::kSha256, Digest::kSha512}) {
        ReplyAddress to = address();
        to.digest = digest;
        const Bytes reply = success(to);
        EXPECT_EQ(certs::parse_digest(signer_of(reply).digest).value(), digest);
        EXPECT_TRUE(OsslCms(reply).verified_by(pki().signing));
    }
}

TEST(CertRepTest, AnEcSignerIsNamedByEcdsaWithTheDigest) {
    const Bytes reply =
        encode_failure(address(), FailInfo::kBadAlg, {pki().ca, testing::ca_key()}, kNow).value();
    const auto algorithm =
        certs::parse_signature_algorithm(signer_of(reply).signature_algorithm).value();
    EXPECT_EQ(to_text(algorithm), "ecdsa-with-SHA256");
    EXPECT_TRUE(OsslCms(reply).verified_by(pki().ca));
}

TEST(CertRepTest, R_B11_TheTransactionIdKeepsItsStringType) {
    for (const DerTag type : {DerTag::kPrintableString, DerTag::kUtf8String, DerTag::kIa5String}) {
        ReplyAddress to = address();
        to.transaction_id_type = type;
        const Bytes reply = failure(FailInfo::kBadAlg, to);
        expect_value(signer_of(reply), certs::oid::kTransactionId, type, as_bytes("A/b+c=_@1"));
    }
}

TEST(CertRepTest, R_C07_PendingHasNeitherContentNorFailInfo) {
    const Bytes reply = encode_pending(address(), pki().signer(), kNow).value();
    const OsslCms outer(reply);
    EXPECT_FALSE(outer.has_content());
    EXPECT_TRUE(outer.verified_by(pki().signing));
    const certs::CmsSignerInfo signer = signer_of(reply);
    EXPECT_EQ(signer.signed_attributes.size(), 8U);
    expect_value(signer, certs::oid::kPkiStatus, DerTag::kPrintableString, as_bytes("3"));
    EXPECT_FALSE(signer.single_attribute(certs::oid::kFailInfo));
}

TEST(CertRepTest, R_C06_ContentIsEmptyInsteadOfAbsentWhereTheEndpointSaysSo) {
    ReplyAddress to = address();
    to.empty_content = true;
    for (const Bytes& reply :
         {failure(FailInfo::kBadRequest, to), encode_pending(to, pki().signer(), kNow).value()}) {
        const OsslCms outer(reply);
        EXPECT_TRUE(outer.has_content());
        EXPECT_EQ(outer.verified_by(pki().signing), Bytes());
    }
    EXPECT_NE(OsslCms(success(to)).verified_by(pki().signing), Bytes());
}

TEST(CertRepTest, R_B11_FailInfoTextIsAUtf8StringOnlyWhenThereIsOne) {
    const Bytes reply =
        encode_failure(address(), FailInfo::kBadAlg, pki().signer(), kNow, "AES, bitte: ä").value();
    expect_value(signer_of(reply), certs::oid::kFailInfoText, DerTag::kUtf8String,
                 as_bytes("AES, bitte: ä"));
    EXPECT_FALSE(signer_of(failure()).single_attribute(certs::oid::kFailInfoText));
}

TEST(CertRepTest, R_C12_ACrlStandsAloneInItsReply) {
    const Bytes crl = certs::der::sequence({certs::der::integer(7)});
    const auto reply = encode_crl(address(), crl, pki().reply_recipient(), pki().signer(), kNow);
    ASSERT_TRUE(reply) << reply.error().detail;
    const auto content = OsslCms(*reply).verified_by(pki().signing);
    ASSERT_TRUE(content);
    const auto plain = OsslCms(*content).decrypted_by(pki().transient, testing::device_key());
    ASSERT_TRUE(plain);
    const auto inner = certs::parse_signed_data(*plain);
    ASSERT_TRUE(inner) << inner.error().detail;
    EXPECT_TRUE(inner->certificates.empty());
    EXPECT_TRUE(inner->signers.empty());
    ASSERT_EQ(inner->crls.size(), 1U);
    EXPECT_TRUE(equal(inner->crls[0], crl));
}

TEST(CertRepTest, R_B03_AnEcRecipientsReplyOpensWithTheChallenge) {
    const ReplyRecipient recipient{pki().ca, testing::ca_key().public_key(), Secret("open sesame")};
    const auto reply = encode_success(address(), {pki().issued}, recipient, pki().signer(), kNow);
    ASSERT_TRUE(reply) << reply.error().detail;
    const auto content = OsslCms(*reply).verified_by(pki().signing);
    ASSERT_TRUE(content);
    const auto plain = OsslCms(*content).decrypted_by_password("open sesame");
    ASSERT_TRUE(plain);
    EXPECT_EQ(OsslCms(*plain).certificates(), std::vector<Bytes>{to_bytes(pki().issued.der())});
    EXPECT_FALSE(OsslCms(*content).decrypted_by_password("open sesamE"));
}

/// The address of the answer to this message; `opened` says how far the server came.
ReplyAddress address_of(ByteView message, const std::vector<RecipientKey>& recipients, bool opened,
                        const AlgorithmRules& rules = {}) {
    const auto request = read_signed_request(message).value();
    if (!opened) return reply_address(request, rules);
    const auto content = open_request(request, recipients, rules).value();
    return reply_address(content);
}

TEST(ReplyAddressTest, MirrorsIdentityNonceDigestAndCipher) {
    for (const ContentCipher cipher : {ContentCipher::kDes3Cbc, ContentCipher::kAes128Cbc,
                                       ContentCipher::kAes192Cbc, ContentCipher::kAes256Cbc}) {
        ClientRequest request = pki().request();
        request.cipher = cipher;
        request.digest = Digest::kSha512;
        const auto to = address_of(encode_request(request).value(), pki().recipients(), true);
        EXPECT_EQ(to.transaction_id, request.transaction_id);
        EXPECT_EQ(to.recipient_nonce, request.sender_nonce);
        EXPECT_EQ(to.digest, Digest::kSha512);
        EXPECT_EQ(to.cipher, cipher);
    }
}

TEST(ReplyAddressTest, R_A23_ASingleDesRequestIsAnsweredInAes) {
    testing::Envelope envelope = testing::envelope_of(testing::device_key());
    envelope.cipher_algorithm = certs::der::sequence(
        {certs::der::oid(certs::oid::kDesCbc), certs::der::octet_string(Bytes(8, 0xC3))});
    envelope.content_key = Bytes(8, 0x5A);
    envelope.ciphertext = Bytes(64, 0x11);
    const Bytes message = testing::message_of(envelope.build(), testing::device_key()).build();
    AlgorithmRules rules;
    rules.des = true;
    const auto to = address_of(message, testing::our_recipients(), true, rules);
    EXPECT_EQ(to.cipher, ContentCipher::kAes128Cbc);
}

TEST(ReplyAddressTest, AnUnopenedRequestIsAnsweredWithItsDigestWhenThatIsAllowed) {
    ClientRequest request = pki().request();
    AlgorithmRules without_sha1;
    without_sha1.sha1 = false;

    request.digest = Digest::kSha384;
    EXPECT_EQ(address_of(encode_request(request).value(), {}, false).digest, Digest::kSha384);
    request.digest = Digest::kSha1;
    const Bytes message = encode_request(request).value();
    EXPECT_EQ(address_of(message, {}, false).digest, Digest::kSha1);
    EXPECT_EQ(address_of(message, {}, false, without_sha1).digest, Digest::kSha256);
}

TEST(ReplyAddressTest, R_A23_AnMd5RequestIsAnsweredWithSha256) {
    auto request = read_signed_request(encode_request(pki().request()).value()).value();
    request.signed_data.signers.at(0).digest.algorithm = certs::oid::kMd5;
    EXPECT_EQ(reply_address(request, {}).digest, Digest::kSha256);
}

}  // namespace
}  // namespace scepgate::scep::this_file
