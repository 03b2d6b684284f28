// Polling, looking up and rollover: what the server side writes and the client side reads.
#include <gtest/gtest.h>

#include "certs/crl_builder.hpp"
#include "scep/ca_info.hpp"
#include "tests/certs/support/ossl_cms.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::DerTag;
using certs::Digest;
using certs::testing::OsslCms;
using testing::kNow;
using testing::pki;

const ReplyAddress kTo{.transaction_id = "transaction-1", .recipient_nonce = Bytes(16, 0x77)};

certs::Crl crl_of(const certs::PrivateKey& key, const certs::Certificate& ca,
                  std::size_t revoked = 0) {
    certs::CrlContents contents;
    contents.issuer_der = to_bytes(ca.subject_der());
    contents.authority_key_identifier = key.public_key().key_identifier();
    contents.number = 7;
    contents.this_update = kNow;
    contents.next_update = kNow + 86'400;
    certs::CrlBuilder builder(std::move(contents), revoked);
    for (std::size_t i = 0; i < revoked; ++i) {
        builder.add({certs::random_serial(), kNow, certs::RevocationReason::kSuperseded}).value();
    }
    return std::move(builder).sign(key, Digest::kSha256).value();
}

Bytes crl_reply(const certs::Crl& crl) {
    return encode_crl(kTo, crl.der(), pki().reply_recipient(), pki().signer(), kNow).value();
}

ClientRequest get_cert() {
    ClientRequest request = pki().request();
    request.type = MessageType::kGetCert;
    request.content = pki().issued.issuer_and_serial();
    return request;
}

template <class T>
Errc code_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? Errc::kInternal : result.error().code;
}

TEST(ClientLookupTest, R_C07_ReadsThePendingThatTheServerSideWrites) {
    for (const bool empty : {false, true}) {
        ReplyAddress to = kTo;
        to.empty_content = empty;
        const auto reply = encode_pending(to, pki().signer(), kNow);
        const auto read = decode_reply(reply.value(), pki().request(), pki().certificates(),
                                       testing::device_key().public_key());
        ASSERT_TRUE(read) << read.error().detail;
        EXPECT_EQ(read->status, PkiStatus::kPending);
        EXPECT_FALSE(read->certificate);
    }
}

TEST(ClientLookupTest, R_C06_ReadsFailInfoText) {
    const auto reply =
        encode_failure(kTo, FailInfo::kBadCertId, pki().signer(), kNow, "no such certificate");
    const auto read = decode_get_cert_reply(reply.value(), get_cert(), pki().certificates());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->fail_info, FailInfo::kBadCertId);
    EXPECT_EQ(read->fail_info_text, "no such certificate");
}

TEST(ClientLookupTest, R_C11_GetCertGivesTheCertificateAskedForWhereverItStands) {
    const auto reply = encode_success(kTo, {pki().ca, pki().issued}, pki().reply_recipient(),
                                      pki().signer(), kNow);
    const auto read = decode_get_cert_reply(reply.value(), get_cert(), pki().certificates());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->certificate, pki().issued);
    EXPECT_EQ(read->others, std::vector{pki().ca});

    const auto other =
        encode_success(kTo, {pki().signing}, pki().reply_recipient(), pki().signer(), kNow);
    EXPECT_EQ(code_of(decode_get_cert_reply(other.value(), get_cert(), pki().certificates())),
              Errc::kConflict);
}

TEST(ClientLookupTest, R_C12_GetCrlGivesTheIssuingCasCrl) {
    const auto crl = crl_of(testing::ca_key(), pki().ca);
    const auto read = decode_get_crl_reply(crl_reply(crl), pki().request(), pki().certificates());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->status, PkiStatus::kSuccess);
    EXPECT_TRUE(equal(read->crl, crl.der()));
}

TEST(ClientLookupTest, A09_ALongCrlIsReadToo) {
    const auto crl = crl_of(testing::ca_key(), pki().ca, 5000);
    const auto read = decode_get_crl_reply(crl_reply(crl), pki().request(), pki().certificates());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(equal(read->crl, crl.der()));
}

TEST(ClientLookupTest, R_C12_RefusesACrlThatIsNotTheIssuingCas) {
    for (const auto& crl :
         {crl_of(testing::root_key(), pki().root), crl_of(testing::root_key(), pki().ca),
          crl_of(testing::ca_key(), pki().root)}) {
        EXPECT_EQ(
            code_of(decode_get_crl_reply(crl_reply(crl), pki().request(), pki().certificates())),
            Errc::kBadSignature);
    }
    const auto none =
        encode_success(kTo, {pki().issued}, pki().reply_recipient(), pki().signer(), kNow);
    EXPECT_EQ(code_of(decode_get_crl_reply(none.value(), pki().request(), pki().certificates())),
              Errc::kMalformed);
}

/// The CA that follows, with a key of its own.
certs::Certificate next_ca() {
    return testing::make_certificate({.subject = "CN=CA", .ca = true, .usage = {}},
                                     testing::root_key().public_key(), "CN=CA",
                                     testing::root_key());
}

const ReplySigner& current_ca() {
    static const ReplySigner signer{pki().ca, testing::ca_key()};
    return signer;
}

TEST(NextCaTest, R_E20_IsSignedByTheCurrentCaAroundACertificatesOnlyMessage) {
    const auto next = next_ca();
    const auto reply = next_ca_certificates({next}, current_ca(), kNow);
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->content_type, "application/x-x509-next-ca-cert");
    const OsslCms outer(reply->body);
    const auto content = outer.verified_by(pki().ca);
    ASSERT_TRUE(content);
    const OsslCms inner(*content);
    EXPECT_EQ(inner.certificates(), std::vector<Bytes>{to_bytes(next.der())});
    EXPECT_EQ(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(inner.get())), 0);
}

// jscep takes the outer ones.
TEST(NextCaTest, R_E20_TheNextCertificateStandsOutsideToo) {
    const auto next = next_ca();
    const auto reply = next_ca_certificates({next}, current_ca(), kNow).value();
    const std::vector<Bytes> expected{to_bytes(pki().ca.der()), to_bytes(next.der())};
    EXPECT_EQ(OsslCms(reply.body).certificates(), expected);
}

TEST(NextCaTest, R_E19_TheClientTakesItFromTheCurrentCaOrItsRa) {
    const auto next = next_ca();
    for (const ReplySigner& signer : {current_ca(), pki().signer()}) {
        const auto reply = next_ca_certificates({next}, signer, kNow).value();
        const auto read = parse_next_ca_certificates(reply.body, pki().certificates());
        ASSERT_TRUE(read) << read.error().detail;
        EXPECT_EQ(*read, std::vector{next});
    }
}

TEST(NextCaTest, R_E19_TheClientRefusesWhatTheCurrentCaDidNotSign) {
    const auto read = [](const ReplySigner& signer, const certs::Certificate& next) {
        const auto reply = next_ca_certificates({next}, signer, kNow).value();
        return code_of(parse_next_ca_certificates(reply.body, pki().certificates()));
    };
    const ReplySigner imposter{pki().ca, testing::root_key()};
    EXPECT_EQ(read(imposter, next_ca()), Errc::kBadSignature);
    EXPECT_EQ(read({pki().issued, testing::device_key()}, next_ca()), Errc::kBadSignature);
    EXPECT_EQ(read({next_ca(), testing::root_key()}, next_ca()), Errc::kBadSignature);
    // Signed, but no CA certificate.
    EXPECT_EQ(read(current_ca(), pki().issued), Errc::kMalformed);
}

TEST(NextCaTest, R_E18_TheClientRefusesAnUnsignedList) {
    const Bytes list = certs::build_certificates_only({next_ca()});
    EXPECT_EQ(code_of(parse_next_ca_certificates(list, pki().certificates())), Errc::kMalformed);
}

TEST(NextCaTest, R_E19_OnlyTheSignedCertificatesCount) {
    certs::SignedDataContents contents;
    contents.content_type = certs::oid::kData;
    const Bytes inside = certs::build_certificates_only({next_ca()});
    contents.content = inside;
    contents.signing_time = kNow;
    const auto stranger = testing::make_certificate({.subject = "CN=CB", .ca = true, .usage = {}},
                                                    testing::device_key().public_key(), "CN=CB",
                                                    testing::device_key());
    contents.certificates = {stranger};
    const auto body = certs::build_signed_data(contents, pki().ca, testing::ca_key()).value();
    const auto read = parse_next_ca_certificates(body, pki().certificates());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(std::count(read->begin(), read->end(), stranger), 0);
}

}  // namespace
}  // namespace scepgate::scep::this_file
