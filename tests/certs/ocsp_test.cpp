// OCSP requests are read strictly; responses are what OpenSSL reads and verifies.
#include "certs/ocsp.hpp"

#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include "certs/certificate_builder.hpp"
#include "certs/name.hpp"
#include "certs/ossl.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::rsa_key;

constexpr std::int64_t kNow = 1'795'000'000;

Bytes join(std::string_view hex) {
    std::string digits;
    for (const char c : hex) {
        if (c != ' ') digits += c;
    }
    return from_hex(digits).value();
}

const std::string kHash(40, '1');
/// SHA-1 with NULL, two hashes, serial number 5.
const std::string kCertId =
    "303a 3009 06052b0e03021a 0500 0414" + kHash + "0414" + kHash + "020105";

Bytes sequence(ByteView content) {
    return der::element(DerTag::kSequence, content);
}
/// A request about so many certificates, with what follows the list.
Bytes request(std::size_t count, ByteView extensions = {}, std::string_view id = kCertId) {
    Bytes list;
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes one = sequence(join(id));
        list.insert(list.end(), one.begin(), one.end());
    }
    return sequence(der::sequence({sequence(list), extensions}));
}
Bytes nonce(std::size_t length) {
    const Bytes octets(length, 0x5A);
    const Bytes oid = join("2b0601050507300102");
    return der::element(context_constructed(2),
                        der::sequence({encode_extension(oid, false, der::octet_string(octets))}));
}

TEST(OcspRequestTest, ReadsWhatIsAskedAbout) {
    const Bytes der = request(2, nonce(32));
    const auto read = parse_ocsp_request(der);
    ASSERT_TRUE(read) << read.error().detail;
    ASSERT_EQ(read->certificates.size(), 2U);
    EXPECT_EQ(read->certificates[0].digest, Digest::kSha1);
    EXPECT_EQ(to_hex(read->certificates[0].issuer_key_hash), kHash);
    EXPECT_EQ(to_hex(read->certificates[1].serial), "05");
    EXPECT_EQ(read->nonce->size(), 32U);
}

struct BadRequest {
    const char* name;
    Bytes der;
};

std::vector<BadRequest> bad_requests() {
    const std::string two_digits = "020105";
    std::string negative = kCertId;
    negative.replace(negative.size() - 6, 6, "020185");
    std::string padded = kCertId;
    padded.replace(padded.size() - 6, 6, "02020005").replace(0, 4, "303b");
    std::string md5 = kCertId;
    md5.replace(md5.find("06052b0e03021a"), 14, "06052b0e03021b");
    std::string short_hash =
        "3039 3009 06052b0e03021a 0500 0413" + kHash.substr(2) + "0414" + kHash + two_digits;
    Bytes trailing = request(1);
    trailing.push_back(0);
    return {{"Nothing", {}},
            {"NoCertificate", request(0)},
            {"TooManyCertificates", request(kMostOcspCertificates + 1)},
            {"TrailingOctet", trailing},
            {"NegativeSerial", request(1, {}, negative)},
            {"PaddedSerial", request(1, {}, padded)},
            {"UnknownDigest", request(1, {}, md5)},
            {"HashTooShort", request(1, {}, short_hash)},
            {"EmptyNonce", request(1, nonce(0))},
            {"NonceTooLong", request(1, nonce(129))},
            {"TooLong", request(1, nonce(kLargestOcspRequest))}};
}

TEST(OcspRequestTest, RefusesWhatIsNoSoundRequest) {
    for (const BadRequest& bad : bad_requests())
        EXPECT_FALSE(parse_ocsp_request(bad.der)) << bad.name;
}

TEST(OcspResponseTest, ErrorsAreTheirStatusAlone) {
    EXPECT_EQ(to_hex(build_ocsp_error(OcspStatus::kMalformedRequest)), "30030a0101");
    EXPECT_EQ(to_hex(build_ocsp_error(OcspStatus::kUnauthorized)), "30030a0106");
}

Certificate self_signed(const PrivateKey& key) {
    CertificateContents contents;
    contents.serial = {1};
    contents.issuer_der = contents.subject_der = to_bytes(Name::from_text("CN=Test").value().der());
    contents.not_before = kNow;
    contents.not_after = kNow + 3600;
    contents.spki = to_bytes(key.public_key().spki());
    return build_certificate(contents, key, Digest::kSha256).value();
}

TEST(OcspResponseTest, IsReadAndVerifiedByOpenssl) {
    using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
    using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
    for (const PrivateKey* key : {&rsa_key(), &ec_key()}) {
        OcspAnswer answer;
        answer.produced_at = kNow;
        answer.this_update = kNow - 600;
        answer.next_update = kNow + 60;
        answer.nonce = Bytes{1, 2, 3};
        using Kind = OcspCertificateStatus::Kind;
        answer.certificates = {
            {join(kCertId), {Kind::kGood}},
            {join(kCertId), {Kind::kRevoked, kNow - 5, RevocationReason::kCertificateHold}},
            {join(kCertId), {Kind::kUnknown}}};
        const Certificate certificate = self_signed(*key);
        const Bytes der = build_ocsp_response(answer, *key, Digest::kSha256, certificate).value();
        const unsigned char* at = der.data();
        const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
        ASSERT_TRUE(response);
        EXPECT_EQ(at, der.data() + der.size());
        const BasicPtr basic(OCSP_response_get1_basic(response.get()));
        ASSERT_TRUE(basic);
        EXPECT_EQ(OCSP_basic_verify(basic.get(), nullptr, nullptr, OCSP_NOVERIFY), 1);
        const ASN1_GENERALIZEDTIME* produced = OCSP_resp_get0_produced_at(basic.get());
        EXPECT_EQ(ASN1_TIME_cmp_time_t(produced, kNow), 0) << "when it was signed";
        ASSERT_EQ(OCSP_resp_count(basic.get()), 3);
        const int expected[] = {V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED,
                                V_OCSP_CERTSTATUS_UNKNOWN};
        for (int i = 0; i < 3; ++i) {
            int reason = -1;
            const int status = OCSP_single_get0_status(OCSP_resp_get0(basic.get(), i), &reason,
                                                       nullptr, nullptr, nullptr);
            EXPECT_EQ(status, expected[i]);
            if (i == 1) {
                EXPECT_EQ(reason, OCSP_REVOKED_STATUS_CERTIFICATEHOLD);
            }
        }
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
