#include "certs/rsa_public_operation.hpp"

#include <array>

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "certs/oids.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::rsa_key;

const SignatureAlgorithm kSha256WithRsa{KeyType::kRsa, Digest::kSha256};

/// A modulus of so many octets, of no key at all: x^e mod n is defined for it all the same.
Bytes modulus_of(std::size_t size) {
    Bytes modulus = random_bytes(size);
    modulus.front() |= 0x80U;
    modulus.back() |= 0x01U;
    return modulus;
}

Bytes below(const Bytes& modulus) {
    Bytes number = random_bytes(modulus.size());
    number.front() &= 0x7FU;
    return number;
}

/// By the EVP_PKEY of the same numbers, without padding.
Bytes by_openssl(ByteView modulus, std::uint64_t exponent, ByteView number) {
    KeyLimits limits;
    limits.maximum_rsa_exponent = UINT64_MAX;
    const auto key = PublicKey::from_spki(
        der::sequence({der::sequence({der::oid(oid::kRsaEncryption), der::null()}),
                       der::bit_string(der::sequence({der::unsigned_integer(modulus),
                                                      der::integer(std::int64_t(exponent))}))}),
        limits);
    const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.value().evp(), nullptr));
    Bytes out(modulus.size());
    std::size_t length = out.size();
    EXPECT_EQ(EVP_PKEY_encrypt_init(context.get()), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING), 1);
    EXPECT_EQ(EVP_PKEY_encrypt(context.get(), out.data(), &length, number.data(), number.size()),
              1);
    return out;
}

/// What the private key makes of a block that is as long as the modulus.
Bytes signature_of_block(const Bytes& block) {
    const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, rsa_key().evp(), nullptr));
    Bytes out(block.size());
    std::size_t length = out.size();
    EXPECT_EQ(EVP_PKEY_sign_init(context.get()), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING), 1);
    EXPECT_EQ(EVP_PKEY_sign(context.get(), out.data(), &length, block.data(), block.size()), 1);
    return out;
}

/// 00 `type` `filler`... 00 `info` `behind`, 256 octets in all.
Bytes block_of(std::uint8_t type, std::uint8_t filler, const Bytes& info,
               const Bytes& behind = {}) {
    Bytes block(256, filler);
    block[0] = 0x00;
    block[1] = type;
    const Bytes end = der::concat({Bytes{0x00}, info, behind});
    std::copy(end.begin(), end.end(), block.end() - static_cast<std::ptrdiff_t>(end.size()));
    return block;
}

TEST(RsaPublicOperationTest, IsWhatOpensslComputes) {
    for (const std::size_t size : {256U, 257U, 384U, 512U, 1024U}) {
        const Bytes modulus = modulus_of(size);
        for (const std::uint64_t exponent :
             {std::uint64_t{65537}, std::uint64_t{65539}, (std::uint64_t{1} << 32U) + 1,
              std::uint64_t{0x7FFF'FFFF'FFFF'FFFF}}) {
            const auto operation = RsaPublicOperation::make(modulus, exponent);
            ASSERT_TRUE(operation);
            Bytes small(size);
            small.back() = 0x02;
            Bytes largest = modulus;
            largest.back() ^= 0x01U;
            for (const Bytes& number :
                 {below(modulus), below(modulus), small, Bytes(size), largest}) {
                const auto result = operation->raise(number);
                ASSERT_TRUE(result);
                EXPECT_EQ(to_hex(*result), to_hex(by_openssl(modulus, exponent, number)))
                    << size << ' ' << exponent;
            }
        }
    }
}

TEST(RsaPublicOperationTest, NumbersThatAreNotBelowTheModulusAreNone) {
    const Bytes modulus = modulus_of(256);
    const auto operation = RsaPublicOperation::make(modulus, 65537);
    ASSERT_TRUE(operation);
    Bytes above = modulus;
    for (auto at = above.rbegin(); ++*at == 0; ++at) {
    }
    EXPECT_FALSE(operation->raise(modulus));
    EXPECT_FALSE(operation->raise(above));
    EXPECT_FALSE(operation->raise(Bytes(256, 0xFF)));
    EXPECT_FALSE(operation->raise(Bytes(255, 0x01)));
    EXPECT_FALSE(operation->raise(Bytes(257, 0x00)));
    EXPECT_FALSE(operation->raise({}));
}

TEST(RsaPublicOperationTest, OnlyTheOneBlockOfRfc8017IsASignature) {
    const Bytes data = to_bytes(as_bytes("what is signed"));
    const Bytes hash = digest_of(Digest::kSha256, data);
    const Bytes oid = der::oid(oid::kSha256);
    const Bytes info = der::sequence({der::sequence({oid, der::null()}), der::octet_string(hash)});
    const auto verifies = [&](const Bytes& block) {
        return rsa_key().public_key().verifies(kSha256WithRsa, data, signature_of_block(block));
    };
    ASSERT_TRUE(verifies(block_of(0x01, 0xFF, info)));

    EXPECT_FALSE(verifies(block_of(0x02, 0xFF, info)));
    EXPECT_FALSE(verifies(block_of(0x00, 0x00, info)));
    EXPECT_FALSE(verifies(block_of(0x01, 0xFE, info)));
    EXPECT_FALSE(verifies(block_of(0x01, 0xFF, info, Bytes(1, 0x00))));
    EXPECT_FALSE(verifies(block_of(0x01, 0xFF, info, random_bytes(190))));  // Bleichenbacher 2006
    EXPECT_FALSE(verifies(block_of(0x01, 0xFF, hash)));
    EXPECT_FALSE(verifies(
        block_of(0x01, 0xFF, der::sequence({der::sequence({oid}), der::octet_string(hash)}))));
    EXPECT_FALSE(
        verifies(block_of(0x01, 0xFF,
                          der::sequence({der::sequence({oid, der::octet_string(random_bytes(20))}),
                                         der::octet_string(hash)}))));
    Bytes first = block_of(0x01, 0xFF, info);
    first[100] = 0x00;
    EXPECT_FALSE(verifies(first));
}

TEST(RsaPublicOperationTest, EncryptsWithFreshPaddingWithoutAZero) {
    const Bytes key = random_bytes(16);
    Bytes last;
    for (int times = 0; times < 50; ++times) {
        const auto encrypted = rsa_key().public_key().encrypt_pkcs1(key);
        ASSERT_TRUE(encrypted);
        EXPECT_NE(*encrypted, last);
        last = *encrypted;
        const Bytes block = signature_of_block(last);  // the same operation as a decryption
        EXPECT_EQ(to_hex(ByteView(block).first(2)), "0002");
        const ByteView padding = ByteView(block).subspan(2, block.size() - 3 - key.size());
        EXPECT_EQ(std::count(padding.begin(), padding.end(), 0), 0);
        EXPECT_EQ(block[block.size() - key.size() - 1], 0);
        EXPECT_TRUE(equal(ByteView(block).last(key.size()), key));
    }
    EXPECT_TRUE(rsa_key().public_key().encrypt_pkcs1(Bytes(245, 0x01)));
    EXPECT_FALSE(rsa_key().public_key().encrypt_pkcs1(Bytes(246, 0x01)));
}

}  // namespace
}  // namespace scepgate::certs::this_file
