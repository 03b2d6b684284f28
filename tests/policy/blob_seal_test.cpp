// Our blobs as OpenSSL's CMS reads them, and the pieces against published values.
#include <gtest/gtest.h>
#include <openssl/cms.h>

#include "policy/key_agreement.hpp"
#include "tests/policy/support/blobs.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

using certs::BioPtr;
using CmsPtr = std::unique_ptr<CMS_ContentInfo, certs::Deleter<CMS_ContentInfo_free>>;
using StackPtr =
    std::unique_ptr<STACK_OF(X509),
                    certs::Deleter<[](STACK_OF(X509) * stack) { sk_X509_free(stack); }>>;
using StorePtr = std::unique_ptr<X509_STORE, certs::Deleter<X509_STORE_free>>;

BioPtr memory(ByteView bytes) {
    return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

CmsPtr parse_cms(ByteView der) {
    const BioPtr bio = memory(der);
    return CmsPtr(d2i_CMS_bio(bio.get(), nullptr));
}

certs::X509Ptr x509(const certs::Certificate& certificate) {
    const BioPtr bio = memory(certificate.der());
    return certs::X509Ptr(d2i_X509_bio(bio.get(), nullptr));
}

Bytes contents(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return to_bytes(as_bytes(std::string_view(data, static_cast<std::size_t>(size))));
}

/// The signed content, if OpenSSL finds the signature good and the signer trusted.
Bytes verify_with_openssl(std::string_view blob, const certs::Certificate& trusted) {
    const CmsPtr cms = parse_cms(from_base64(blob).value());
    const StorePtr store(X509_STORE_new());
    const certs::X509Ptr by = x509(trusted);
    X509_STORE_add_cert(store.get(), by.get());
    // Blobs do not carry the signer's certificate.
    const StackPtr signers(sk_X509_new_null());
    sk_X509_push(signers.get(), by.get());
    X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store.get()), X509_PURPOSE_ANY);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), kNow);
    const BioPtr out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(CMS_verify(cms.get(), signers.get(), store.get(), nullptr, out.get(), CMS_BINARY), 1);
    return contents(out.get());
}

std::string decrypt_with_openssl(ByteView envelope, const std::string& recipient) {
    const Bytes info = certs::build_content_info(certs::oid::kAuthEnvelopedData, envelope);
    const CmsPtr cms = parse_cms(info);
    const BioPtr out(BIO_new(BIO_s_mem()));
    const auto key = private_key(recipient);
    EXPECT_EQ(CMS_decrypt(cms.get(), key.evp(), x509(certificate(recipient)).get(), nullptr,
                          out.get(), CMS_BINARY),
              1);
    return std::string(as_text(contents(out.get())));
}

using Keys = std::pair<const char*, const char*>;
class BlobSealTest : public ::testing::TestWithParam<Keys> {};

INSTANTIATE_TEST_SUITE_P(Keys, BlobSealTest,
                         ::testing::Values(Keys{"signer-ec", "recipient-ec"},
                                           Keys{"signer-ec", "recipient-p384"},
                                           Keys{"signer-rsa", "recipient-rsa"}));

TEST_P(BlobSealTest, IsReadByOpenSsl) {
    const auto [by, recipient] = GetParam();
    const auto blob = seal_blob(claims(), certificate(recipient), signer(by), kIssuedAt);
    ASSERT_TRUE(blob) << blob.error().detail;
    const Bytes envelope = verify_with_openssl(blob->text(), certificate(by));
    ASSERT_FALSE(envelope.empty());
    ChallengeClaims expected = claims();
    expected.issuer = to_hex(certificate(by).fingerprint());
    EXPECT_EQ(decrypt_with_openssl(envelope, recipient), encode_claims(expected));
}

TEST(BlobSealTest, TakesFreshKeysEachTime) {
    const Bytes plain = to_bytes(as_bytes("the same"));
    EXPECT_NE(seal_envelope(plain, certificate("recipient-ec")).value(),
              seal_envelope(plain, certificate("recipient-ec")).value());
}

// RFC 3394 sections 4.1 and 4.6.
TEST(KeyWrapTest, GivesThePublishedValues) {
    const Secret key128(from_hex("000102030405060708090a0b0c0d0e0f").value());
    const Secret data128(from_hex("00112233445566778899aabbccddeeff").value());
    EXPECT_EQ(to_hex(wrap_key(KeyWrap::kAes128, key128, data128).value()),
              "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
    const Secret key256(
        from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").value());
    const Secret data256(
        from_hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f").value());
    const Bytes wrapped = wrap_key(KeyWrap::kAes256, key256, data256).value();
    EXPECT_EQ(to_hex(wrapped),
              "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
    const auto unwrapped = unwrap_key(KeyWrap::kAes256, key256, wrapped);
    ASSERT_TRUE(unwrapped);
    EXPECT_EQ(to_hex(unwrapped->view()), to_hex(data256.view()));
}

TEST(KeyWrapTest, GivesNothingForAnotherKeyOrLength) {
    const Secret key(random_bytes(32));
    const Bytes wrapped = wrap_key(KeyWrap::kAes256, key, Secret(random_bytes(32))).value();
    EXPECT_FALSE(unwrap_key(KeyWrap::kAes256, Secret(random_bytes(32)), wrapped));
    EXPECT_FALSE(unwrap_key(KeyWrap::kAes128, key, wrapped));
    for (std::size_t size = 0; size < wrapped.size(); ++size) {
        EXPECT_FALSE(unwrap_key(KeyWrap::kAes256, key, ByteView(wrapped).first(size))) << size;
    }
    EXPECT_FALSE(unwrap_key(KeyWrap::kAes256, key, Bytes(4096, 0)));
}

TEST(KeyAgreementTest, TakesOneScheme) {
    const auto parse = [](ByteView der) {
        certs::DerReader reader(der);
        return parse_key_agreement(certs::read_algorithm(reader).value());
    };
    const KeyAgreement ours = default_key_agreement();
    const auto again = parse(encode_key_agreement(ours));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->wrap, KeyWrap::kAes256);
    EXPECT_EQ(again->wrap_identifier, ours.wrap_identifier);

    namespace der = certs::der;
    const Bytes aes192_wrap = certs::oid_from_text("2.16.840.1.101.3.4.1.25").value();
    const Bytes sha1_scheme = certs::oid_from_text("1.3.133.16.840.63.0.2").value();
    EXPECT_FALSE(parse(der::sequence({der::oid(sha1_scheme), ours.wrap_identifier})));
    EXPECT_FALSE(parse(der::sequence({der::oid(certs::oid::kStdDhSha256Kdf)})));
    EXPECT_FALSE(parse(der::sequence({der::oid(certs::oid::kStdDhSha256Kdf), der::null()})));
    EXPECT_FALSE(parse(der::sequence(
        {der::oid(certs::oid::kStdDhSha256Kdf), der::sequence({der::oid(aes192_wrap)})})));
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
