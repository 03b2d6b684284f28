// Replies of other servers (tests/data/vectors/README.md). Nobody has the keys they are encrypted
// to, so each is followed up to its envelope.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/certs/support/raw_cms.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::Certificate;
using certs::DerReader;
using certs::DerTag;

const std::filesystem::path kVectors = std::filesystem::path(SCEPGATE_TEST_DATA) / "vectors";

Bytes file(const std::filesystem::path& name) {
    std::ifstream stream(kVectors / name, std::ios::binary);
    if (!stream) throw std::runtime_error("no test data " + name.string());
    return Bytes(std::istreambuf_iterator<char>(stream), {});
}

/// The request that the reply says it answers, signed by a certificate of this issuer and serial
/// number, which is all that an envelope tells of its recipient.
ClientRequest answered(std::string transaction_id, std::string_view nonce, const Bytes& reply) {
    const auto data = certs::parse_signed_data(reply).value();
    DerReader info(DerReader(data.content.value()).read(DerTag::kSequence).value());
    EXPECT_TRUE(info.next());
    const ByteView enveloped = info.read(certs::context_constructed(0)).value();
    const auto envelope = certs::parse_enveloped_data(enveloped, false).value();
    certs::testing::RawCertificate signer;
    signer.issuer = to_bytes(envelope.key_transport.at(0).recipient.issuer_der);
    signer.serial =
        certs::der::element(DerTag::kInteger, envelope.key_transport.at(0).recipient.serial);
    ClientRequest request;
    request.transaction_id = std::move(transaction_id);
    request.sender_nonce = from_hex(nonce).value();
    request.signer = Certificate::from_der(signer.build(testing::device_key())).value();
    request.signer_key = testing::device_key();
    request.key_limits.minimum_rsa_bits = 1024;
    return request;
}

Result<CertReply> decode(const Bytes& reply, const ClientRequest& request,
                         const Certificate& signer) {
    return decode_reply(reply, request, {signer, signer, signer, {signer}},
                        testing::device_key().public_key());
}

TEST(RecordedRepliesTest, MicromdmsIsVerifiedAndRefusedForItsSingleDes) {
    const Bytes reply = file("micromdm/CertRep.der");
    const Certificate ca = Certificate::from_file(kVectors / "micromdm/testca/ca.pem").value();
    auto request = answered("A13090761A30F66664F85D37433D2065E1112BA1", "ae7fe8816cc6bedd", reply);
    const auto decoded = decode(reply, request, ca);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::kUnsupported);
    EXPECT_NE(decoded.error().detail.find("DES-CBC"), std::string::npos) << decoded.error().detail;

    request.des_reply = true;
    const auto opened = decode(reply, request, ca);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kMalformed) << opened.error().detail;

    // Each of these comes before the envelope.
    request.transaction_id.back() = '0';
    EXPECT_EQ(decode(reply, request, ca).error().code, Errc::kConflict);
    EXPECT_EQ(decode(reply, request, testing::pki().ca).error().code, Errc::kBadSignature);
}

TEST(RecordedRepliesTest, NdessWithoutCertificatesAndWithOaepIsReadUpToItsContent) {
    const Bytes reply = file("micromdm/testca2/CertRep_NoCertificatesForSigners.der");
    const Certificate ra = Certificate::from_file(kVectors / "micromdm/testca2/ca2.pem").value();
    auto request =
        answered("HVvzN0228V+AW+dUuDe8OPyDXD0=", "d99d3154de07114059af075c5c17d573", reply);
    // The whole way to the content, which another key has.
    const auto decoded = decode(reply, request, ra);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::kMalformed);
    EXPECT_NE(decoded.error().detail.find("the reply's content"), std::string::npos)
        << decoded.error().detail;

    request.signer = testing::pki().transient;
    EXPECT_EQ(decode(reply, request, ra).error().code, Errc::kConflict);
    request.sender_nonce.back() ^= 1U;
    EXPECT_EQ(decode(reply, request, ra).error().code, Errc::kConflict);
    EXPECT_EQ(decode(reply, request, testing::pki().signing).error().code, Errc::kBadSignature);
}

TEST(RecordedRepliesTest, CryptlibsIsVerifiedByItsShortKeyOnlyWhenThatIsAllowed) {
    const Bytes reply = file("jscep/scep_resp2.der");
    const auto data = certs::parse_signed_data(reply);
    ASSERT_TRUE(data);
    const Certificate signer = data->certificates.at(0);
    auto request = answered("7XXEY-ERLPU-2JDR9", "e8c57d516909026f3463f8e907fc9856", reply);
    const auto decoded = decode(reply, request, signer);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::kMalformed);
    EXPECT_NE(decoded.error().detail.find("the reply's content"), std::string::npos)
        << decoded.error().detail;

    request.key_limits = {};
    EXPECT_EQ(decode(reply, request, signer).error().code, Errc::kUnsupported);
}

TEST(RecordedRepliesTest, CryptlibsInnermostLayerHoldsTheIssuedCertificate) {
    const Bytes inner = file("jscep/scep_resp0.der");
    const auto data = certs::parse_signed_data(inner);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_TRUE(data->signers.empty());
    ASSERT_EQ(data->certificates.size(), 1U);
    EXPECT_EQ(data->certificates[0].subject_text(),
              "CN=Test SCEP PKI user,OU=Procurement,O=Dave's Wetaburgers,C=NZ");
}

}  // namespace
}  // namespace scepgate::scep::this_file
