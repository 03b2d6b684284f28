// Requests that the client side writes, read by the server side and by OpenSSL.
#include <gtest/gtest.h>

#include "tests/certs/support/ossl_cms.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::ContentCipher;
using certs::Digest;
using certs::testing::OsslCms;
using testing::kNow;
using testing::pki;

struct Algorithms {
    ContentCipher cipher;
    Digest digest;
    std::optional<Digest> oaep;
};

class ClientRequestAlgorithmsTest : public ::testing::TestWithParam<Algorithms> {};

INSTANTIATE_TEST_SUITE_P(
    All, ClientRequestAlgorithmsTest,
    ::testing::Values(Algorithms{ContentCipher::kAes128Cbc, Digest::kSha256, {}},
                      Algorithms{ContentCipher::kAes256Cbc, Digest::kSha512, {}},
                      Algorithms{ContentCipher::kDes3Cbc, Digest::kSha1, {}},
                      Algorithms{ContentCipher::kAes128Cbc, Digest::kSha256, Digest::kSha1},
                      Algorithms{ContentCipher::kAes256Cbc, Digest::kSha384, Digest::kSha256}));

TEST_P(ClientRequestAlgorithmsTest, R_A09_TheServerSideReadsIt) {
    ClientRequest request = pki().request();
    request.cipher = GetParam().cipher;
    request.digest = GetParam().digest;
    request.oaep = GetParam().oaep;
    const auto message = encode_request(request);
    ASSERT_TRUE(message) << message.error().detail;

    const auto read = read_signed_request(*message);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(read->tolerances.empty());
    EXPECT_EQ(read->transaction_id, request.transaction_id);
    EXPECT_EQ(read->sender_nonce, request.sender_nonce);
    EXPECT_EQ(read->message_type, MessageType::kPkcsReq);
    EXPECT_EQ(read->signer, request.signer);
    const auto opened = open_request(*read, pki().recipients(), {});
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_TRUE(equal(opened->content(), request.content));
    EXPECT_EQ(opened->signature_algorithm().digest, GetParam().digest);
    EXPECT_EQ(opened->cipher(), GetParam().cipher);
    EXPECT_EQ(opened->key_transport().oaep, GetParam().oaep.has_value());
}

TEST_P(ClientRequestAlgorithmsTest, OpenSslReadsIt) {
    ClientRequest request = pki().request();
    request.cipher = GetParam().cipher;
    request.digest = GetParam().digest;
    request.oaep = GetParam().oaep;
    const Bytes message = encode_request(request).value();
    const OsslCms outer(message);
    EXPECT_EQ(outer.encoded(), message);
    const auto content = outer.verified_by(request.signer);
    ASSERT_TRUE(content);
    const auto csr = OsslCms(*content).decrypted_by(pki().encryption, testing::old_ra_key());
    EXPECT_EQ(csr, request.content);
}

TEST(ClientRequestTest, R_A11_ARenewalIsSignedByTheOldCertificate) {
    ClientRequest request = pki().request();
    request.type = MessageType::kRenewalReq;
    request.signer = pki().issued;
    const Bytes message = encode_request(request).value();
    const auto read = read_signed_request(message);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->message_type, MessageType::kRenewalReq);
    EXPECT_EQ(read->signer, pki().issued);
}

TEST(ClientRequestTest, R_A09_TheTransientCertificateIsSelfSignedForBothUses) {
    const auto made = transient_certificate(certs::Name::from_text("CN=device,O=Example").value(),
                                            testing::device_key(), kNow);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_TRUE(made->self_issued());
    EXPECT_TRUE(made->signed_by(testing::device_key().public_key()));
    EXPECT_EQ(made->subject_text(), "CN=device,O=Example");
    EXPECT_EQ(made->public_key().value(), testing::device_key().public_key());
    EXPECT_EQ(made->key_usage().value(), (certs::KeyUsage{certs::KeyUsageBit::kDigitalSignature,
                                                          certs::KeyUsageBit::kKeyEncipherment}));
    EXPECT_FALSE(made->is_ca().value());
    EXPECT_EQ(made->not_before(), kNow - 86'400);
    EXPECT_EQ(made->not_after(), kNow + 29 * 86'400);
}

TEST(ClientRequestTest, R_A09_AnEcTransientCertificateCannotEncipher) {
    const auto made = transient_certificate(certs::Name(), certs::testing::ec_key(), kNow);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->key_usage().value(), certs::KeyUsage{certs::KeyUsageBit::kDigitalSignature});
}

TEST(ClientRequestTest, R_B12_ANewTransactionIdIs128BitsThatNoOtherHas) {
    const std::string id = new_transaction_id();
    EXPECT_EQ(id.size(), 32U);
    EXPECT_TRUE(from_hex(id));
    EXPECT_NE(id, new_transaction_id());
}

TEST(ClientRequestTest, RefusesAnEncryptionCertificateThatCannotReceive) {
    ClientRequest request = pki().request();
    request.recipient = pki().ca;
    const auto message = encode_request(request);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code, Errc::kUnsupported);
}

}  // namespace
}  // namespace scepgate::scep::this_file
