// Content ciphers and key transport: identifiers, decryption, padding.
#include <gtest/gtest.h>

#include "tests/certs/support/raw_cms.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::algorithm;
using testing::encrypt_blocks;
using testing::explicit_tag;
using testing::pkcs7_padded;

Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

Result<ContentEncryption> parse_cipher(const Bytes& der) {
    DerReader reader(der);
    return parse_content_encryption(read_algorithm(reader).value());
}

Result<KeyTransport> parse_transport(const Bytes& der) {
    DerReader reader(der);
    return parse_key_transport(read_algorithm(reader).value());
}

std::string decrypted(const std::optional<Secret>& plain) {
    return plain ? std::string(plain->text()) : "(failed)";
}

TEST(ContentCipherTest, KeyAndBlockLengths) {
    using C = ContentCipher;
    const struct {
        C cipher;
        const char* text;
        std::size_t key, block;
    } rows[] = {{C::kDesCbc, "DES-CBC", 8, 8},          {C::kDes3Cbc, "3DES-CBC", 24, 8},
                {C::kAes128Cbc, "AES-128-CBC", 16, 16}, {C::kAes192Cbc, "AES-192-CBC", 24, 16},
                {C::kAes256Cbc, "AES-256-CBC", 32, 16}, {C::kAes256Gcm, "AES-256-GCM", 32, 1}};
    for (const auto& row : rows) {
        EXPECT_EQ(to_text(row.cipher), row.text);
        EXPECT_EQ(key_length(row.cipher), row.key) << row.text;
        EXPECT_EQ(block_length(row.cipher), row.block) << row.text;
    }
}

TEST(ContentCipherTest, B32_ParsesEachIdentifierWithItsIv) {
    const struct {
        ByteView oid;
        ContentCipher cipher;
        std::size_t iv;
    } rows[] = {{oid::kDesCbc, ContentCipher::kDesCbc, 8},
                {oid::kDesEde3Cbc, ContentCipher::kDes3Cbc, 8},
                {oid::kAes128Cbc, ContentCipher::kAes128Cbc, 16},
                {oid::kAes192Cbc, ContentCipher::kAes192Cbc, 16},
                {oid::kAes256Cbc, ContentCipher::kAes256Cbc, 16}};
    for (const auto& row : rows) {
        const Bytes der = algorithm(row.oid, der::octet_string(Bytes(row.iv, 0x09)));
        const auto parsed = parse_cipher(der);
        ASSERT_TRUE(parsed) << parsed.error().detail;
        EXPECT_EQ(parsed->cipher, row.cipher);
        EXPECT_TRUE(equal(parsed->iv, Bytes(row.iv, 0x09)));
        for (const std::size_t size : {std::size_t{0}, row.iv - 1, row.iv + 1, 2 * row.iv}) {
            const auto bad = parse_cipher(algorithm(row.oid, der::octet_string(Bytes(size))));
            ASSERT_FALSE(bad) << size;
            EXPECT_EQ(bad.error().code, Errc::kUnsupported);
        }
        EXPECT_FALSE(parse_cipher(algorithm(row.oid)));
        EXPECT_FALSE(parse_cipher(algorithm(row.oid, der::null())));
    }
}

TEST(ContentCipherTest, E05_GcmTakesANonceOf12AndATagOf16) {
    const auto parse = [](std::initializer_list<ByteView> parameters) {
        return parse_cipher(algorithm(oid::kAes256Gcm, der::sequence(parameters)));
    };
    const Bytes nonce = der::octet_string(Bytes(12, 0x01));
    const auto good = parse({nonce, der::integer(16)});
    ASSERT_TRUE(good);
    EXPECT_EQ(good->cipher, ContentCipher::kAes256Gcm);
    EXPECT_EQ(good->iv.size(), 12U);
    EXPECT_FALSE(parse({nonce}));
    EXPECT_FALSE(parse({nonce, der::integer(12)}));
    EXPECT_FALSE(parse({nonce, der::integer(16), der::null()}));
    EXPECT_FALSE(parse({der::octet_string(Bytes(1024)), der::integer(16)}));
    EXPECT_FALSE(parse({}));
    EXPECT_FALSE(parse_cipher(algorithm(oid::kAes256Gcm, nonce)));
}

TEST(DecryptCbcTest, AgreesWithKnownAnswers) {
    // NIST SP 800-38A F.2.1, first block, then a block of padding.
    const Bytes key = hex("2b7e151628aed2a6abf7158809cf4f3c");
    const Bytes iv = hex("000102030405060708090a0b0c0d0e0f");
    const Bytes first = hex("7649abac8119b246cee98e9b12e9197d");
    const Bytes plain = hex("6bc1bee22e409f96e93d7e117393172a");
    const Bytes all = encrypt_blocks("AES-128-CBC", key, iv, pkcs7_padded(plain, 16));
    ASSERT_TRUE(equal(ByteView(all).first(16), first));
    const auto got = decrypt_cbc(ContentCipher::kAes128Cbc, key, iv, all);
    ASSERT_TRUE(got);
    EXPECT_TRUE(equal(got->view(), plain));
}

TEST(DecryptCbcTest, SingleDesIsDesEde3WithOneKey) {
    // FIPS 81 table C1: DES-CBC of "Now is the time for all " with this key and IV.
    const Bytes key = hex("0123456789abcdef");
    const Bytes iv = hex("1234567890abcdef");
    const Bytes known = hex("e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6");
    const std::string plain = "Now is the time for all ";
    const Bytes triple = der::concat({key, key, key});
    const Bytes all = encrypt_blocks("DES-EDE3-CBC", triple, iv, pkcs7_padded(as_bytes(plain), 8));
    ASSERT_TRUE(equal(ByteView(all).first(known.size()), known));
    EXPECT_EQ(decrypted(decrypt_cbc(ContentCipher::kDesCbc, key, iv, all)), plain);
    EXPECT_EQ(decrypted(decrypt_cbc(ContentCipher::kDes3Cbc, triple, iv, all)), plain);
}

TEST(DecryptCbcTest, TakesEachPaddingLength) {
    const Bytes key(32, 0x11);
    const Bytes iv(16, 0x22);
    for (std::size_t size = 0; size <= 33; ++size) {
        const std::string plain(size, 'x');
        const Bytes all = encrypt_blocks("AES-256-CBC", key, iv, pkcs7_padded(as_bytes(plain), 16));
        EXPECT_EQ(decrypted(decrypt_cbc(ContentCipher::kAes256Cbc, key, iv, all)), plain) << size;
    }
}

TEST(DecryptCbcTest, RefusesAnyOctetOfThePaddingThatIsWrong) {
    const Bytes key(16, 0x11);
    const Bytes iv(16, 0x22);
    const auto opens = [&](const Bytes& padded) {
        const Bytes all = encrypt_blocks("AES-128-CBC", key, iv, padded);
        return decrypt_cbc(ContentCipher::kAes128Cbc, key, iv, all).has_value();
    };
    for (std::size_t padding = 1; padding <= 16; ++padding) {
        Bytes padded(32, 0x80);
        std::fill(padded.end() - static_cast<long>(padding), padded.end(),
                  static_cast<std::uint8_t>(padding));
        EXPECT_TRUE(opens(padded)) << padding;
        for (std::size_t wrong = 2; wrong <= padding; ++wrong) {
            Bytes changed = padded;
            changed[changed.size() - wrong] ^= 0x40;
            EXPECT_FALSE(opens(changed)) << padding << " " << wrong;
        }
    }
    for (const unsigned last : {0U, 17U, 32U, 128U, 255U}) {
        EXPECT_FALSE(opens(Bytes(32, static_cast<std::uint8_t>(last)))) << last;
    }
}

TEST(DecryptCbcTest, E12_RefusesLengthsThatDoNotFit) {
    const Bytes key(16, 0x11);
    const Bytes iv(16, 0x22);
    for (const std::size_t size : {0U, 1U, 15U, 17U, 31U})
        EXPECT_FALSE(decrypt_cbc(ContentCipher::kAes128Cbc, key, iv, Bytes(size)));
    const Bytes sound = encrypt_blocks("AES-128-CBC", key, iv, pkcs7_padded({}, 16));
    EXPECT_TRUE(decrypt_cbc(ContentCipher::kAes128Cbc, key, iv, sound));
    EXPECT_FALSE(decrypt_cbc(ContentCipher::kAes128Cbc, Bytes(32), iv, sound));
    EXPECT_FALSE(decrypt_cbc(ContentCipher::kAes128Cbc, key, Bytes(8), sound));
    EXPECT_FALSE(decrypt_cbc(ContentCipher::kAes256Gcm, Bytes(32), Bytes(1), sound));
}

TEST(DecryptGcmTest, AgreesWithAKnownAnswerAndRefusesAnyChange) {
    // The GCM specification's test case 14.
    const Bytes key(32, 0x00);
    const Bytes nonce(12, 0x00);
    const Bytes ciphertext = hex("cea7403d4d606b6e074ec5d3baf39d18");
    const Bytes tag = hex("d0d1c8a799996bf0265b98b5d48ab919");
    const auto plain = decrypt_gcm(key, nonce, ciphertext, tag);
    ASSERT_TRUE(plain);
    EXPECT_TRUE(equal(plain->view(), Bytes(16, 0x00)));

    Bytes changed = ciphertext;
    changed[0] ^= 1;
    EXPECT_FALSE(decrypt_gcm(key, nonce, changed, tag));
    changed = tag;
    changed[15] ^= 1;
    EXPECT_FALSE(decrypt_gcm(key, nonce, ciphertext, changed));
    EXPECT_FALSE(decrypt_gcm(key, Bytes(12, 0x01), ciphertext, tag));
    EXPECT_FALSE(decrypt_gcm(key, nonce, ciphertext, ByteView(tag).first(12)));
    EXPECT_FALSE(decrypt_gcm(key, Bytes(16, 0x00), ciphertext, tag));
    EXPECT_FALSE(decrypt_gcm(Bytes(16, 0x00), nonce, ciphertext, tag));
}

Bytes oaep(std::initializer_list<ByteView> parameters) {
    return algorithm(oid::kRsaesOaep, der::sequence(parameters));
}

TEST(KeyTransportTest, B31_ParsesPkcs1WithNullOrNoParameters) {
    for (const Bytes& der :
         {algorithm(oid::kRsaEncryption), algorithm(oid::kRsaEncryption, der::null())}) {
        const auto transport = parse_transport(der);
        ASSERT_TRUE(transport);
        EXPECT_FALSE(transport->oaep);
        EXPECT_EQ(to_text(*transport), "RSA-PKCS1");
    }
}

TEST(KeyTransportTest, E04_ParsesOaepWithItsParameters) {
    const Bytes sha256_hash = algorithm(oid::kSha256);
    const Bytes hash = explicit_tag(0, sha256_hash);
    const Bytes mask = explicit_tag(1, algorithm(oid::kMgf1, sha256_hash));
    const Bytes no_label = explicit_tag(2, algorithm(oid::kPSpecified, der::octet_string({})));
    const Bytes label =
        explicit_tag(2, algorithm(oid::kPSpecified, der::octet_string(as_bytes("x"))));
    const auto text = [](const Bytes& der) {
        const auto transport = parse_transport(der);
        return transport ? to_text(*transport) : std::string("refused");
    };
    EXPECT_EQ(text(oaep({})), "RSA-OAEP-SHA1");
    EXPECT_EQ(text(oaep({hash, mask})), "RSA-OAEP-SHA256");
    EXPECT_EQ(text(oaep({hash, mask, no_label})), "RSA-OAEP-SHA256");
    EXPECT_EQ(text(oaep({hash})), "RSA-OAEP-SHA256-MGF1-SHA1");
    EXPECT_EQ(text(oaep({mask})), "RSA-OAEP-SHA1-MGF1-SHA256");
    EXPECT_EQ(text(oaep({hash, mask, label})), "refused");
    EXPECT_EQ(text(oaep({mask, hash})), "refused");
    EXPECT_EQ(text(oaep({hash, der::null()})), "refused");
    EXPECT_EQ(text(oaep({explicit_tag(0, algorithm(oid::kMd5))})), "refused");
    EXPECT_EQ(text(oaep({explicit_tag(1, algorithm(oid::kMgf1))})), "refused");
    EXPECT_EQ(text(oaep({explicit_tag(1, algorithm(oid::kSha256))})), "refused");
    EXPECT_EQ(text(algorithm(oid::kRsaesOaep)), "refused");
}

TEST(KeyTransportTest, E04_EveryRefusalIsOfTheAlgorithm) {
    for (const Bytes& der : {algorithm(oid::kRsaesOaep), algorithm(oid::kRsaesOaep, der::null()),
                             oaep({der::null()}), algorithm(oid::kRsaEncryption, der::integer(1)),
                             algorithm(oid::kSha1WithRsa, der::null())}) {
        const auto transport = parse_transport(der);
        ASSERT_FALSE(transport);
        EXPECT_EQ(transport.error().code, Errc::kUnsupported);
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
