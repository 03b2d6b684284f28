// PasswordRecipientInfo, against OpenSSL's and with every bound.
#include "certs/cms_password.hpp"

#include <gtest/gtest.h>

#include "certs/oids.hpp"
#include "tests/certs/support/ossl_cms.hpp"

namespace scepgate::certs::this_file {
namespace {

const Bytes kPlain = to_bytes(as_bytes("a certificate, let us say"));
constexpr std::string_view kPassword = "open sesame";

Bytes sealed(ContentCipher cipher = ContentCipher::kAes128Cbc) {
    return build_password_enveloped_data(kPlain, cipher, as_bytes(kPassword)).value();
}

std::optional<Bytes> opened(ByteView enveloped, std::string_view password) {
    const auto data = parse_enveloped_data(enveloped, false).value();
    EXPECT_EQ(data.recipients(), 1U);
    const auto wrap = parse_password_recipient(data.password_recipients.at(0)).value();
    const auto encryption = parse_content_encryption(data.content_encryption).value();
    const auto key = unwrap_key(wrap, as_bytes(password), key_length(encryption.cipher));
    if (!key) return std::nullopt;
    const auto plain = decrypt_cbc(encryption.cipher, key->view(), encryption.iv, data.ciphertext);
    if (!plain) return std::nullopt;
    return to_bytes(plain->view());
}

TEST(CmsPasswordTest, WhatIsSealedOpensWithThePasswordAlone) {
    for (const ContentCipher cipher : {ContentCipher::kDes3Cbc, ContentCipher::kAes128Cbc,
                                       ContentCipher::kAes192Cbc, ContentCipher::kAes256Cbc}) {
        const Bytes octets = sealed(cipher);
        EXPECT_EQ(opened(octets, kPassword), kPlain);
        EXPECT_EQ(opened(octets, "open sesamE"), std::nullopt);
        EXPECT_EQ(opened(octets, ""), std::nullopt);
    }
}

TEST(CmsPasswordTest, OpenSslOpensWhatIsSealed) {
    for (const ContentCipher cipher : {ContentCipher::kDes3Cbc, ContentCipher::kAes256Cbc}) {
        const testing::OsslCms cms(build_content_info(oid::kEnvelopedData, sealed(cipher)));
        EXPECT_EQ(cms.decrypted_by_password(kPassword), kPlain);
    }
}

TEST(CmsPasswordTest, OpensWhatOpenSslSeals) {
    const Bytes octets = testing::sealed_with_password(kPlain, kPassword);
    DerReader info(DerReader(octets).read(DerTag::kSequence).value());
    ASSERT_TRUE(info.next());
    EXPECT_EQ(opened(info.read(context_constructed(0)).value(), kPassword), kPlain);
}

TEST(CmsPasswordTest, NeverWritesSingleDesOrGcm) {
    for (const ContentCipher cipher : {ContentCipher::kDesCbc, ContentCipher::kAes256Gcm}) {
        const auto made = build_password_enveloped_data(kPlain, cipher, as_bytes(kPassword));
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().code, Errc::kUnsupported);
    }
}

/// A PasswordRecipientInfo's content octets, with one part replaced.
struct Recipient {
    Bytes version = der::integer(0);
    Bytes salt = der::octet_string(Bytes(16, 0x01));
    Bytes iterations = der::integer(10'000);
    Bytes length = {};
    Bytes prf = der::sequence({der::oid(oid::kHmacWithSha256), der::null()});
    Bytes derivation = der::oid(oid::kPbkdf2);
    Bytes wrap = der::oid(oid::kPwriKek);
    Bytes cipher = encode_content_encryption(ContentCipher::kAes256Cbc, Bytes(16, 0x02));
    Bytes key = der::octet_string(Bytes(32, 0x03));
    bool derived = true;
    Bytes after = {};

    [[nodiscard]] Bytes build() const {
        const Bytes parameters = der::sequence({salt, iterations, length, prf});
        const Bytes derive =
            der::element(context_constructed(0), der::concat({derivation, parameters}));
        return der::concat(
            {version, derived ? derive : Bytes(), der::sequence({wrap, cipher}), key, after});
    }
    [[nodiscard]] std::string outcome() const {
        const auto read = parse_password_recipient(build());
        if (read) return "read";
        return read.error().code == Errc::kUnsupported ? "unsupported" : "malformed";
    }
};

TEST(CmsPasswordTest, ReadsItsDefaultsAndBounds) {
    EXPECT_EQ(Recipient().outcome(), "read");
    Recipient without_prf;
    without_prf.prf.clear();
    EXPECT_EQ(parse_password_recipient(without_prf.build()).value().prf, Digest::kSha1);
    EXPECT_EQ(Recipient{.length = der::integer(32)}.outcome(), "read");
    EXPECT_EQ(Recipient{.iterations = der::integer(1'000'000)}.outcome(), "read");
    EXPECT_EQ(Recipient{.salt = der::octet_string(Bytes(64))}.outcome(), "read");
}

TEST(CmsPasswordTest, A_E03_TheSenderDoesNotChooseHowLongWeWork) {
    for (const std::int64_t count : {0LL, 1'000'001LL, 2'147'483'647LL, 4'294'967'297LL}) {
        EXPECT_EQ(Recipient{.iterations = der::integer(count)}.outcome(), "unsupported") << count;
    }
    EXPECT_EQ(Recipient{.iterations = der::integer(-1)}.outcome(), "malformed");
    EXPECT_EQ(Recipient{.salt = der::octet_string(Bytes(65))}.outcome(), "unsupported");
    EXPECT_EQ(Recipient{.salt = der::octet_string({})}.outcome(), "unsupported");
}

TEST(CmsPasswordTest, A_E03_RefusesOtherAlgorithmsAndForms) {
    const auto of_cipher = [](ContentCipher cipher, std::size_t iv) {
        return Recipient{.cipher = encode_content_encryption(cipher, Bytes(iv))}.outcome();
    };
    EXPECT_EQ(of_cipher(ContentCipher::kAes128Cbc, 16), "read");
    EXPECT_EQ(of_cipher(ContentCipher::kDes3Cbc, 8), "unsupported");
    EXPECT_EQ(of_cipher(ContentCipher::kDesCbc, 8), "unsupported");
    EXPECT_EQ(of_cipher(ContentCipher::kAes128Cbc, 15), "unsupported");
    EXPECT_EQ(of_cipher(ContentCipher::kAes256Gcm, 12), "unsupported");
    EXPECT_EQ(Recipient{.length = der::integer(16)}.outcome(), "unsupported");
    EXPECT_EQ(Recipient{.prf = der::sequence({der::oid(oid::kMd5)})}.outcome(), "unsupported");
    EXPECT_EQ(Recipient{.derivation = der::oid(oid::kMd5)}.outcome(), "unsupported");
    EXPECT_EQ(Recipient{.wrap = der::oid(oid::kAes256Wrap)}.outcome(), "unsupported");
    EXPECT_EQ(Recipient{.derived = false}.outcome(), "unsupported");
    EXPECT_EQ(Recipient{.version = der::integer(1)}.outcome(), "unsupported");
    EXPECT_EQ(Recipient{.after = der::null()}.outcome(), "malformed");
    EXPECT_EQ(Recipient{.salt = der::null()}.outcome(), "malformed");
}

TEST(CmsPasswordTest, AWrappedKeyOfAnyLengthAndContentIsRefused) {
    for (const std::size_t length : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 48U, 1024U}) {
        const Bytes octets = Recipient{.key = der::octet_string(Bytes(length, 0x03))}.build();
        const auto wrap = parse_password_recipient(octets).value();
        EXPECT_FALSE(unwrap_key(wrap, as_bytes(kPassword), 16)) << length;
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
