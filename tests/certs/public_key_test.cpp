#include "certs/public_key.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "certs/oids.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::key;
using testing::rsa_key;

Bytes modulus_of(int bits) {
    Bytes modulus(static_cast<std::size_t>(bits + 7) / 8, 0xA5);
    if (bits % 8 != 0) modulus[0] = static_cast<std::uint8_t>(1U << (bits % 8 - 1));
    return modulus;
}

Bytes rsa_spki(const Bytes& rsa_public_key) {
    return der::sequence({der::sequence({der::oid(oid::kRsaEncryption), der::null()}),
                          der::bit_string(rsa_public_key)});
}

Bytes rsa_spki(const Bytes& modulus_integer, const Bytes& exponent_integer) {
    return rsa_spki(der::sequence({modulus_integer, exponent_integer}));
}

Bytes rsa_spki_of(int bits, std::int64_t exponent) {
    return rsa_spki(der::unsigned_integer(modulus_of(bits)), der::integer(exponent));
}

Bytes ec_spki(const Bytes& parameters, ByteView point) {
    return der::sequence(
        {der::sequence({der::oid(oid::kEcPublicKey), parameters}), der::bit_string(point)});
}

Bytes p256_point() {
    return to_bytes(ec_key().public_key().spki().last(65));
}

void expect_refused(const Bytes& spki, Errc code, const KeyLimits& limits = {}) {
    const auto result = PublicKey::from_spki(spki, limits);
    ASSERT_FALSE(result) << to_hex(spki).substr(0, 200);
    EXPECT_EQ(result.error().code, code) << result.error().detail;
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PublicKeyTest, KeepsTheCanonicalEncoding) {
    for (const auto& [type, bits, text] :
         {std::tuple{KeyType::kRsa, 2048, "rsa:2048"}, std::tuple{KeyType::kEc, 256, "ec:p256"},
          std::tuple{KeyType::kEc, 384, "ec:p384"}, std::tuple{KeyType::kEc, 521, "ec:p521"}}) {
        const PublicKey& original = key(type, bits).public_key();
        const auto parsed = PublicKey::from_spki(original.spki());
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(parsed->type(), type);
        EXPECT_EQ(parsed->bits(), bits);
        EXPECT_EQ(parsed->text(), text);
        EXPECT_EQ(to_hex(parsed->spki()), to_hex(original.spki()));
        EXPECT_EQ(*parsed, original);
    }
    EXPECT_FALSE(rsa_key().public_key() == ec_key().public_key());
}

TEST(PublicKeyTest, OpensslWritesTheSameEncoding) {
    for (const PrivateKey& private_key : {rsa_key(), ec_key()}) {
        unsigned char* encoded = nullptr;
        const int length = i2d_PUBKEY(private_key.public_key().evp(), &encoded);
        ASSERT_GT(length, 0);
        EXPECT_TRUE(
            equal({encoded, static_cast<std::size_t>(length)}, private_key.public_key().spki()));
        OPENSSL_free(encoded);
    }
}

TEST(PublicKeyTest, KeyIdentifierIsTheSha1OfTheKeyBits) {
    EXPECT_EQ(ec_key().public_key().key_identifier(), digest_of(Digest::kSha1, p256_point()));
}

TEST(PublicKeyTest, AnEmptyKeyVerifiesNothing) {
    const PublicKey none;
    EXPECT_FALSE(none.verifies({}, {}, {}));
    EXPECT_FALSE(none.encrypt_pkcs1({}));
    EXPECT_TRUE(none.spki().empty());
    EXPECT_EQ(none.evp(), nullptr);
}

TEST(PublicKeyTest, K01_RsaSizesOutsideTheLimitsAreUnsupported) {
    for (const int bits : {8, 512, 1024, 1023, 2040, 2047, 2049, 2050, 8193, 8200, 16384, 65536}) {
        expect_refused(rsa_spki_of(bits, 65537), Errc::kUnsupported);
    }
    for (const int bits : {2048, 2056, 3072, 4096, 8192}) {
        const auto result = PublicKey::from_spki(rsa_spki_of(bits, 65537));
        ASSERT_TRUE(result) << bits;
        EXPECT_EQ(result->bits(), bits);
    }
    KeyLimits narrow;
    narrow.minimum_rsa_bits = 3072;
    narrow.maximum_rsa_bits = 4096;
    expect_refused(rsa_spki_of(2048, 65537), Errc::kUnsupported, narrow);
    expect_refused(rsa_spki_of(8192, 65537), Errc::kUnsupported, narrow);
}

TEST(PublicKeyTest, K02_OnlyExponent65537UnlessTheLimitsAllowMore) {
    for (const std::int64_t exponent :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{17},
          std::int64_t{65535}, std::int64_t{65536}, std::int64_t{65538}, std::int64_t{1} << 32U}) {
        expect_refused(rsa_spki_of(2048, exponent), Errc::kUnsupported);
    }
    const Bytes modulus = der::unsigned_integer(modulus_of(2048));
    const Bytes largest(8, 0xFF);
    EXPECT_TRUE(PublicKey::from_spki(rsa_spki_of(2048, 65537)));
    expect_refused(rsa_spki_of(2048, 65539), Errc::kUnsupported);
    KeyLimits wide;
    wide.maximum_rsa_exponent = UINT64_MAX;
    EXPECT_TRUE(PublicKey::from_spki(rsa_spki(modulus, der::unsigned_integer(largest)), wide));
    EXPECT_TRUE(PublicKey::from_spki(rsa_spki_of(2048, (std::int64_t{1} << 32U) + 1), wide));
    Bytes too_large(9, 0x00);
    too_large.front() = too_large.back() = 0x01;
    expect_refused(rsa_spki(modulus, der::unsigned_integer(too_large)), Errc::kUnsupported);
    expect_refused(rsa_spki(modulus, modulus), Errc::kUnsupported);
}

TEST(PublicKeyTest, K02_ModulusIsPositiveOddAndMinimal) {
    const Bytes exponent = der::integer(65537);
    Bytes even = modulus_of(2048);
    even.back() = 0xA4;
    expect_refused(rsa_spki(der::unsigned_integer(even), exponent), Errc::kUnsupported);
    expect_refused(rsa_spki(der::integer(0), exponent), Errc::kUnsupported);
    // Without its sign octet the same modulus is a negative number.
    expect_refused(rsa_spki(der::element(DerTag::kInteger, modulus_of(2048)), exponent),
                   Errc::kMalformed);
    const Bytes two_zeros = der::concat({Bytes{0x00, 0x00}, modulus_of(2048)});
    expect_refused(rsa_spki(der::element(DerTag::kInteger, two_zeros), exponent), Errc::kMalformed);
    expect_refused(rsa_spki(der::element(DerTag::kInteger, {}), exponent), Errc::kMalformed);
    expect_refused(rsa_spki(der::unsigned_integer(modulus_of(2048)), der::integer(-65537)),
                   Errc::kMalformed);
}

TEST(PublicKeyTest, K04_OnlyUncompressedPointsOnNamedCurves) {
    const Bytes named = der::oid(oid::kP256);
    ASSERT_TRUE(PublicKey::from_spki(ec_spki(named, p256_point())));

    Bytes off_curve = p256_point();
    off_curve.back() ^= 0x01U;
    expect_refused(ec_spki(named, off_curve), Errc::kMalformed);
    Bytes beyond_field(65, 0xFF);
    beyond_field[0] = 0x04;
    expect_refused(ec_spki(named, beyond_field), Errc::kMalformed);

    expect_refused(ec_spki(named, Bytes{0x00}), Errc::kUnsupported);  // infinity
    Bytes compressed = p256_point();
    compressed[0] = 0x02;
    expect_refused(ec_spki(named, compressed), Errc::kUnsupported);
    compressed.resize(33);
    expect_refused(ec_spki(named, compressed), Errc::kUnsupported);
    Bytes hybrid = p256_point();
    hybrid[0] = static_cast<std::uint8_t>(0x06U | (hybrid.back() & 1U));
    expect_refused(ec_spki(named, hybrid), Errc::kUnsupported);
    Bytes longer = p256_point();
    longer.push_back(0x00);
    expect_refused(ec_spki(named, longer), Errc::kUnsupported);
    expect_refused(ec_spki(named, {}), Errc::kUnsupported);
    // A point of one curve under the name of another.
    expect_refused(ec_spki(der::oid(oid::kP384), p256_point()), Errc::kUnsupported);
}

TEST(PublicKeyTest, K04_Z13_OtherCurveParametersAreUnsupported) {
    expect_refused(ec_spki(der::oid(oid_from_text("1.3.132.0.10").value()), p256_point()),
                   Errc::kUnsupported);                                      // secp256k1
    expect_refused(ec_spki(der::null(), p256_point()), Errc::kUnsupported);  // implicitCurve
    expect_refused(ec_spki(Bytes{}, p256_point()), Errc::kUnsupported);      // none
    // prime256v1's own parameters spelled out: ECParameters ::= SEQUENCE { version 1, … }
    expect_refused(ec_spki(der::sequence({der::integer(1)}), p256_point()), Errc::kUnsupported);
}

TEST(PublicKeyTest, EcCanBeSwitchedOff) {
    KeyLimits rsa_only;
    rsa_only.allow_ec = false;
    expect_refused(to_bytes(ec_key().public_key().spki()), Errc::kUnsupported, rsa_only);
    EXPECT_TRUE(PublicKey::from_spki(rsa_key().public_key().spki(), rsa_only));
}

TEST(PublicKeyTest, K05_OtherAlgorithmsAreUnsupported) {
    for (const char* algorithm :
         {"1.2.840.10040.4.1", "1.2.840.113549.1.3.1", "1.3.101.110", "1.3.101.112", "1.3.101.113",
          "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.7", "2.16.840.1.101.3.4.3.17"}) {
        expect_refused(der::sequence({der::sequence({der::oid(oid_from_text(algorithm).value())}),
                                      der::bit_string(Bytes(32, 0x01))}),
                       Errc::kUnsupported);
    }
}

TEST(PublicKeyTest, K06_TrailingOctetsAndUnusedBitsAreMalformed) {
    const Bytes good = to_bytes(rsa_key().public_key().spki());
    expect_refused(der::concat({good, Bytes{0x00}}), Errc::kMalformed);

    DerReader outer(good);
    DerReader fields(*outer.read(DerTag::kSequence));
    const ByteView algorithm = *fields.read_whole(DerTag::kSequence);
    const ByteView bits = *fields.read(DerTag::kBitString);
    const ByteView rsa_public_key = bits.subspan(1);
    expect_refused(der::sequence({algorithm, der::element(DerTag::kBitString, bits), der::null()}),
                   Errc::kMalformed);
    Bytes unused = to_bytes(bits);
    unused[0] = 0x01;
    expect_refused(der::sequence({algorithm, der::element(DerTag::kBitString, unused)}),
                   Errc::kMalformed);
    expect_refused(rsa_spki(der::concat({rsa_public_key, Bytes{0x05, 0x00}})), Errc::kMalformed);
    expect_refused(rsa_spki(der::sequence({der::unsigned_integer(modulus_of(2048)),
                                           der::integer(65537), der::integer(1)})),
                   Errc::kMalformed);
    expect_refused(der::sequence({algorithm}), Errc::kMalformed);
    expect_refused({}, Errc::kMalformed);
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_FALSE(PublicKey::from_spki(ByteView(good).first(length)));
    }
}

TEST(PublicKeyTest, K06_MissingNullIsTakenAndWrittenCanonically) {
    const PublicKey& original = rsa_key().public_key();
    DerReader outer(original.spki());
    DerReader fields(*outer.read(DerTag::kSequence));
    ASSERT_TRUE(fields.read(DerTag::kSequence));
    const ByteView bits = *fields.read_whole(DerTag::kBitString);
    const auto parsed =
        PublicKey::from_spki(der::sequence({der::sequence({der::oid(oid::kRsaEncryption)}), bits}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, original);
    expect_refused(
        der::sequence({der::sequence({der::oid(oid::kRsaEncryption), der::integer(0)}), bits}),
        Errc::kMalformed);
}

TEST(PublicKeyTest, VerifiesOnlyItsOwnSignatures) {
    const Bytes data = to_bytes(as_bytes("a request"));
    for (const PrivateKey& signer : {rsa_key(), ec_key(), key(KeyType::kEc, 521)}) {
        const PublicKey& public_key = signer.public_key();
        for (const Digest digest :
             {Digest::kSha1, Digest::kSha256, Digest::kSha384, Digest::kSha512}) {
            const SignatureAlgorithm algorithm = signer.signature_algorithm(digest);
            Bytes signature = signer.sign(digest, data).value();
            EXPECT_TRUE(public_key.verifies(algorithm, data, signature));
            EXPECT_FALSE(public_key.verifies(algorithm, as_bytes("a requesT"), signature));
            EXPECT_FALSE(public_key.verifies(algorithm, data, {}));
            EXPECT_FALSE(public_key.verifies(algorithm, data,
                                             ByteView(signature).first(signature.size() - 1)));
            EXPECT_FALSE(
                public_key.verifies(algorithm, data, der::concat({signature, Bytes{0x00}})));
            EXPECT_FALSE(public_key.verifies(
                {algorithm.key_type, digest == Digest::kSha1 ? Digest::kSha256 : Digest::kSha1},
                data, signature));
            EXPECT_FALSE(public_key.verifies(
                {algorithm.key_type == KeyType::kRsa ? KeyType::kEc : KeyType::kRsa, digest}, data,
                signature));
            signature.back() ^= 0x01U;
            EXPECT_FALSE(public_key.verifies(algorithm, data, signature));
        }
    }
    EXPECT_EQ(ERR_peek_error(), 0U) << "a failed check left entries for somebody else's error";
}

TEST(PublicKeyTest, EncryptionNeedsRsaAndAPlaintextThatFits) {
    EXPECT_FALSE(ec_key().public_key().encrypt_pkcs1(Bytes(16)));
    EXPECT_FALSE(ec_key().public_key().encrypt_oaep(Bytes(16), Digest::kSha256));
    EXPECT_EQ(rsa_key().public_key().encrypt_pkcs1(Bytes(245))->size(), 256U);
    EXPECT_FALSE(rsa_key().public_key().encrypt_pkcs1(Bytes(246)));
    EXPECT_FALSE(rsa_key().public_key().encrypt_oaep(Bytes(200), Digest::kSha256));
}

}  // namespace
}  // namespace scepgate::certs::this_file
