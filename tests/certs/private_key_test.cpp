#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "certs/encrypted_key.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::key;
using testing::rsa_key;

constexpr std::size_t kModulusSize = 256;
constexpr std::size_t kKeyLength = 16;

/// RSA without padding: what an attacker who chooses the encoded block sends.
Bytes raw_encrypt(ByteView block) {
    const EvpPkeyCtxPtr context(
        EVP_PKEY_CTX_new_from_pkey(nullptr, rsa_key().public_key().evp(), nullptr));
    Bytes out(kModulusSize);
    std::size_t length = out.size();
    if (EVP_PKEY_encrypt_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) != 1 ||
        EVP_PKEY_encrypt(context.get(), out.data(), &length, block.data(), block.size()) != 1) {
        throw std::logic_error("raw RSA encryption failed");
    }
    return out;
}

/// 00 02 AA…AA 00 || message
Bytes encryption_block(ByteView message) {
    Bytes block(kModulusSize, 0xAA);
    block[0] = 0x00;
    block[1] = 0x02;
    block[kModulusSize - message.size() - 1] = 0x00;
    std::copy(message.begin(), message.end(), block.end() - static_cast<long>(message.size()));
    return block;
}

Bytes modulus() {
    BIGNUM* raw = nullptr;
    EVP_PKEY_get_bn_param(rsa_key().evp(), OSSL_PKEY_PARAM_RSA_N, &raw);
    const BnPtr number(raw);
    Bytes out(kModulusSize);
    BN_bn2binpad(number.get(), out.data(), static_cast<int>(out.size()));
    return out;
}

std::string decrypted(ByteView ciphertext, std::size_t length = kKeyLength) {
    const auto result = rsa_key().decrypt_key_pkcs1(ciphertext, length);
    return result ? to_hex(result->view()) : "failed: " + result.error().detail;
}

std::string oaep_decrypted(ByteView ciphertext, std::size_t length = kKeyLength,
                           Digest digest = Digest::kSha256, Digest mgf1 = Digest::kSha256) {
    const auto result = rsa_key().decrypt_key_oaep(ciphertext, length, digest, mgf1);
    return result ? to_hex(result->view()) : "failed: " + result.error().detail;
}

TEST(PrivateKeyTest, SpecsAreReadAsTheCommandLineSpellsThem) {
    const auto rsa = KeySpec::parse("rsa:3072");
    ASSERT_TRUE(rsa);
    EXPECT_EQ(rsa->type, KeyType::kRsa);
    EXPECT_EQ(rsa->bits, 3072);
    EXPECT_EQ(KeySpec::parse("ec:p384")->bits, 384);
    for (const char* text : {"", "rsa", "rsa:1024", "rsa:2049", "RSA:2048", "ec:p224", "ec:256"}) {
        EXPECT_FALSE(KeySpec::parse(text)) << text;
    }
    EXPECT_FALSE(PrivateKey::generate({KeyType::kRsa, 1024}));
    EXPECT_FALSE(PrivateKey::generate({KeyType::kEc, 2048}));
}

TEST(PrivateKeyTest, PemRoundTrips) {
    for (const PrivateKey& original : {rsa_key(), ec_key()}) {
        const auto pem = original.to_pem();
        ASSERT_TRUE(pem);
        EXPECT_TRUE(pem->text().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        const auto read = PrivateKey::from_pem(pem->view());
        ASSERT_TRUE(read) << read.error().detail;
        EXPECT_EQ(read->public_key(), original.public_key());
        const Bytes signature = read->sign(Digest::kSha256, as_bytes("x")).value();
        EXPECT_TRUE(original.public_key().verifies(read->signature_algorithm(Digest::kSha256),
                                                   as_bytes("x"), signature));
    }
}

TEST(PrivateKeyTest, AnEncryptedKeyNeedsItsPassphrase) {
    const Secret passphrase(std::string_view("correct horse"));
    const auto pem = to_encrypted_pem(ec_key(), passphrase);
    ASSERT_TRUE(pem) << pem.error().detail;
    EXPECT_TRUE(pem->text().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    EXPECT_EQ(to_encrypted_pem(ec_key(), {}).error().code, Errc::kConfig);

    const auto right = PrivateKey::from_pem(pem->view(), passphrase);
    ASSERT_TRUE(right) << right.error().detail;
    EXPECT_EQ(right->public_key(), ec_key().public_key());
    const std::string too_long(5000, 'x');
    for (const std::string& wrong : {std::string(), std::string("battery staple"), too_long}) {
        const auto result = PrivateKey::from_pem(pem->view(), Secret(std::string_view(wrong)));
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::kConfig);
        EXPECT_EQ(result.error().detail.find("staple"), std::string::npos);
    }
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKeyTest, ReadsTraditionalAndOldKeyFiles) {
    const auto recorded = PrivateKey::from_file(SCEPGATE_TEST_DATA "/vectors/recorded/ca.key");
    ASSERT_TRUE(recorded) << recorded.error().detail;
    EXPECT_EQ(recorded->type(), KeyType::kRsa);

    const std::filesystem::path old = SCEPGATE_TEST_DATA "/vectors/micromdm/testclient/client.key";
    const auto refused = PrivateKey::from_file(old);
    ASSERT_FALSE(refused) << "an RSA-1024 key";
    EXPECT_EQ(refused.error().code, Errc::kConfig);
    KeyLimits small;
    small.minimum_rsa_bits = 1024;
    EXPECT_TRUE(PrivateKey::from_file(old, {}, small));
}

TEST(PrivateKeyTest, WhatIsNoKeyIsAConfigurationFault) {
    for (const std::filesystem::path path :
         {SCEPGATE_TEST_DATA "/vectors/recorded/ca.pem", SCEPGATE_TEST_DATA "/vectors/recorded",
          SCEPGATE_TEST_DATA "/no/such/file"}) {
        const auto result = PrivateKey::from_file(path);
        ASSERT_FALSE(result) << path;
        EXPECT_EQ(result.error().code, Errc::kConfig);
        EXPECT_NE(result.error().detail.find(path.string()), std::string::npos);
    }
    EXPECT_FALSE(PrivateKey::from_pem({}));
    EXPECT_FALSE(PrivateKey::from_pem(Bytes(1 << 20, 'x')));
    EXPECT_FALSE(PrivateKey());
}

TEST(PrivateKeyTest, AnEmptyKeyFailsEveryOperation) {
    const PrivateKey none;
    EXPECT_FALSE(none.sign(Digest::kSha256, {}));
    EXPECT_FALSE(none.decrypt_key_pkcs1(Bytes(256), 16));
    EXPECT_FALSE(none.decrypt_key_oaep(Bytes(256), 16, Digest::kSha256, Digest::kSha256));
    EXPECT_FALSE(none.agree(ec_key().public_key()));
    EXPECT_FALSE(none.to_pem());
}

TEST(PrivateKeyTest, DecryptsAContentKey) {
    const Bytes content_key = random_bytes(kKeyLength);
    const PublicKey& public_key = rsa_key().public_key();
    EXPECT_EQ(decrypted(public_key.encrypt_pkcs1(content_key).value()), to_hex(content_key));
    EXPECT_EQ(decrypted(raw_encrypt(encryption_block(content_key))), to_hex(content_key));
    // Zeros inside the key are the key's, not the padding's.
    const Bytes zeros(kKeyLength, 0x00);
    EXPECT_EQ(decrypted(raw_encrypt(encryption_block(zeros))), to_hex(zeros));
    for (const std::size_t length :
         {std::size_t{8}, std::size_t{24}, std::size_t{32}, kModulusSize - 11}) {
        const Bytes other = random_bytes(length);
        EXPECT_EQ(decrypted(public_key.encrypt_pkcs1(other).value(), length), to_hex(other));
    }
}

/// Every way in which an encoded block can be wrong (attacks E06), and the ciphertexts around it.
std::vector<std::pair<std::string, Bytes>> bad_ciphertexts() {
    const Bytes good = encryption_block(Bytes(kKeyLength, 0x42));
    const std::size_t separator = kModulusSize - kKeyLength - 1;
    std::vector<std::pair<std::string, Bytes>> all;
    const auto add = [&](const char* name, std::size_t at, std::uint8_t octet) {
        Bytes block = good;
        block[at] = octet;
        all.emplace_back(name, raw_encrypt(block));
    };
    add("first octet not 00", 0, 0x01);
    add("block type 00", 1, 0x00);
    add("block type 01", 1, 0x01);
    add("block type 03", 1, 0x03);
    add("no separator", separator, 0xAA);
    add("zero at the start of the padding", 2, 0x00);
    add("zero in the eighth octet of the padding", 9, 0x00);
    add("zero in the ninth octet of the padding", 10, 0x00);
    add("zero at the end of the padding", separator - 1, 0x00);
    all.emplace_back("key one octet shorter", raw_encrypt(encryption_block(Bytes(15, 0x42))));
    all.emplace_back("key one octet longer", raw_encrypt(encryption_block(Bytes(17, 0x42))));
    all.emplace_back("empty key", raw_encrypt(encryption_block({})));
    all.emplace_back("value 0", Bytes(kModulusSize, 0x00));
    Bytes one(kModulusSize, 0x00);
    one.back() = 0x01;
    all.emplace_back("value 1", one);
    all.emplace_back("value = modulus", modulus());
    all.emplace_back("value above the modulus", Bytes(kModulusSize, 0xFF));
    return all;
}

TEST(PrivateKeyTest, E06_BadPaddingGivesAPseudoRandomKeyOfTheAskedLength) {
    std::vector<std::string> seen;
    for (const auto& [name, ciphertext] : bad_ciphertexts()) {
        const std::string first = decrypted(ciphertext);
        EXPECT_EQ(first.size(), 2 * kKeyLength) << name << ": " << first;
        EXPECT_EQ(first.find(to_hex(Bytes(kKeyLength - 1, 0x42))), std::string::npos) << name;
        seen.push_back(first);
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end()) << "two alike";
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKeyTest, E07_AskingTwiceTellsNothing) {
    // The same key read from its file, as after a restart or on another node.
    const auto again = PrivateKey::from_pem(rsa_key().to_pem()->view());
    ASSERT_TRUE(again);
    for (const auto& [name, ciphertext] : bad_ciphertexts()) {
        const std::string first = decrypted(ciphertext);
        EXPECT_EQ(decrypted(ciphertext), first) << name;
        EXPECT_EQ(to_hex(again->decrypt_key_pkcs1(ciphertext, kKeyLength)->view()), first) << name;
    }
}

TEST(PrivateKeyTest, E06_AValueAboveTheModulusIsNotReadAsTheReducedOne) {
    // The octets below the first, which the same work is done on, are not what is answered.
    const Bytes ciphertext(kModulusSize, 0xFF);
    Bytes reduced = ciphertext;
    reduced[0] = 0x00;
    EXPECT_NE(decrypted(ciphertext), decrypted(reduced));
}

TEST(PrivateKeyTest, OnlyPublicFactsFail) {
    for (const std::size_t length : {0U, 1U, 255U, 257U, 512U}) {
        EXPECT_EQ(rsa_key().decrypt_key_pkcs1(Bytes(length), kKeyLength).error().code,
                  Errc::kMalformed);
        EXPECT_EQ(rsa_key()
                      .decrypt_key_oaep(Bytes(length), kKeyLength, Digest::kSha1, Digest::kSha1)
                      .error()
                      .code,
                  Errc::kMalformed);
    }
    EXPECT_EQ(rsa_key().decrypt_key_pkcs1(Bytes(kModulusSize), kModulusSize - 10).error().code,
              Errc::kUnsupported);
    EXPECT_EQ(ec_key().decrypt_key_pkcs1(Bytes(kModulusSize), kKeyLength).error().code,
              Errc::kUnsupported);
}

TEST(PrivateKeyTest, DecryptsAContentKeyWithOaep) {
    const Bytes content_key = random_bytes(kKeyLength);
    for (const Digest digest : {Digest::kSha1, Digest::kSha256, Digest::kSha512}) {
        const Bytes ciphertext = rsa_key().public_key().encrypt_oaep(content_key, digest).value();
        EXPECT_EQ(oaep_decrypted(ciphertext, kKeyLength, digest, digest), to_hex(content_key));
        const Digest other = digest == Digest::kSha1 ? Digest::kSha256 : Digest::kSha1;
        EXPECT_NE(oaep_decrypted(ciphertext, kKeyLength, other, digest), to_hex(content_key));
        EXPECT_NE(oaep_decrypted(ciphertext, kKeyLength, digest, other), to_hex(content_key));
    }
}

TEST(PrivateKeyTest, E06_BadOaepGivesAPseudoRandomKeyToo) {
    const PublicKey& public_key = rsa_key().public_key();
    std::vector<Bytes> all{public_key.encrypt_oaep(Bytes(15, 0x42), Digest::kSha256).value(),
                           public_key.encrypt_oaep(Bytes(17, 0x42), Digest::kSha256).value(),
                           public_key.encrypt_oaep({}, Digest::kSha256).value(),
                           public_key.encrypt_pkcs1(Bytes(16, 0x42)).value()};
    for (const auto& [name, ciphertext] : bad_ciphertexts())
        all.push_back(ciphertext);
    std::vector<std::string> seen;
    for (const Bytes& ciphertext : all) {
        const std::string first = oaep_decrypted(ciphertext);
        EXPECT_EQ(first.size(), 2 * kKeyLength) << first;
        EXPECT_NE(first, to_hex(Bytes(kKeyLength, 0x42)));
        EXPECT_EQ(oaep_decrypted(ciphertext), first);
        seen.push_back(first);
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end()) << "two alike";
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKeyTest, BothSidesAgreeOnASecret) {
    for (const int bits : {256, 384, 521}) {
        const PrivateKey& ours = key(KeyType::kEc, bits);
        const auto theirs = PrivateKey::generate({KeyType::kEc, bits});
        ASSERT_TRUE(theirs);
        const auto one = ours.agree(theirs->public_key());
        const auto other = theirs->agree(ours.public_key());
        ASSERT_TRUE(one && other);
        EXPECT_EQ(one->view().size(), static_cast<std::size_t>(bits + 7) / 8);
        EXPECT_TRUE(one->equals(other->view()));
    }
    EXPECT_FALSE(ec_key().agree(key(KeyType::kEc, 384).public_key()));
    EXPECT_FALSE(ec_key().agree(rsa_key().public_key()));
    EXPECT_FALSE(ec_key().agree(PublicKey()));
    EXPECT_FALSE(rsa_key().agree(ec_key().public_key()));
}

TEST(PrivateKeyTest, AgreesWithEachPeerAsIfItWereTheFirst) {
    const PrivateKey& ours = ec_key();
    constexpr std::size_t kPeers = 4;
    std::vector<PrivateKey> peers;
    std::vector<Secret> expected;
    for (std::size_t i = 0; i < kPeers; ++i) {
        peers.push_back(PrivateKey::generate({KeyType::kEc, 256}).value());
        // By the peer's side, which has not agreed with anybody before.
        expected.push_back(peers.back().agree(ours.public_key()).value());
    }
    std::array<std::size_t, 4> good{};
    {
        std::vector<std::jthread> threads;
        for (std::size_t first = 0; first < good.size(); ++first) {
            threads.emplace_back([&, first] {
                for (std::size_t i = first; i < first + 3 * kPeers; ++i) {
                    const std::size_t peer = i % kPeers;
                    const auto shared = ours.agree(peers[peer].public_key());
                    if (shared && shared->equals(expected[peer].view())) ++good[first];
                }
            });
        }
    }
    for (const std::size_t count : good)
        EXPECT_EQ(count, 3 * kPeers);
    EXPECT_TRUE(peers[0].public_key().verifies(
        peers[0].signature_algorithm(Digest::kSha256), as_bytes("still its own"),
        peers[0].sign(Digest::kSha256, as_bytes("still its own")).value()));
}

TEST(PrivateKeyTest, OneKeyServesManyThreads) {
    const PrivateKey rsa = rsa_key();
    const PrivateKey ec = ec_key();
    const Bytes content_key(kKeyLength, 0x42);
    const Bytes ciphertext = rsa.public_key().encrypt_pkcs1(content_key).value();
    const Bytes spki = to_bytes(rsa.public_key().spki());
    std::array<int, 4> good{};
    {
        std::vector<std::jthread> threads;
        for (int& count : good) {
            threads.emplace_back([&] {
                for (int i = 0; i < 8; ++i) {
                    const auto decrypted_key = rsa.decrypt_key_pkcs1(ciphertext, kKeyLength);
                    bool ok = decrypted_key && decrypted_key->equals(content_key);
                    for (const PrivateKey& signer : {rsa, ec}) {
                        const auto signature = signer.sign(Digest::kSha256, ciphertext);
                        ok = ok && signature &&
                             signer.public_key().verifies(
                                 signer.signature_algorithm(Digest::kSha256), ciphertext,
                                 *signature);
                    }
                    const auto parsed = PublicKey::from_spki(spki);
                    ok = ok && parsed && *parsed == rsa.public_key() &&
                         rsa.public_key().encrypt_pkcs1(content_key);
                    if (ok) ++count;
                }
            });
        }
    }
    for (const int count : good)
        EXPECT_EQ(count, 8);
}

/// A key behind a judge, who signs only what starts with "CRL".
class FarAway final : public KeyOperations {
public:
    explicit FarAway(PrivateKey key) : key_(std::move(key)) {}
    Result<Bytes> sign(Digest digest, ByteView data) const override {
        if (!as_text(data).starts_with("CRL")) return Error{Errc::kDenied, "no CRL"};
        return key_.sign(digest, data);
    }

private:
    PrivateKey key_;
};

TEST(PrivateKeyTest, SignsWithAKeyThatIsElsewhereAndDoesNothingElseWithIt) {
    const PrivateKey near = PrivateKey::generate({KeyType::kEc, 256}).value();
    const auto far =
        PrivateKey::from_operations(near.public_key(), std::make_shared<FarAway>(near));
    EXPECT_TRUE(far.public_key() == near.public_key());
    const auto signature = far.sign(Digest::kSha256, as_bytes("CRL 1"));
    ASSERT_TRUE(signature);
    EXPECT_TRUE(near.public_key().verifies(far.signature_algorithm(Digest::kSha256),
                                           as_bytes("CRL 1"), *signature));
    EXPECT_EQ(far.sign(Digest::kSha256, as_bytes("a certificate")).error().code, Errc::kDenied);
    EXPECT_EQ(far.to_pem().error().code, Errc::kUnsupported);
    EXPECT_EQ(far.agree(near.public_key()).error().code, Errc::kUnsupported);
    EXPECT_EQ(far.decrypt_key_pkcs1(Bytes(256), 16).error().code, Errc::kUnsupported);
    EXPECT_EQ(far.evp(), nullptr);
}

TEST(PrivateKeyTest, A06_GivesOutNoWrongSignatureOfAKeyThatIsElsewhere) {
    class Faulty final : public KeyOperations {
    public:
        explicit Faulty(PrivateKey key) : key_(std::move(key)) {}
        Result<Bytes> sign(Digest digest, ByteView data) const override {
            auto signature = key_.sign(digest, data);
            signature->back() ^= 1;
            return signature;
        }

    private:
        PrivateKey key_;
    };
    for (const PrivateKey& near : {rsa_key(), ec_key()}) {
        const auto far =
            PrivateKey::from_operations(near.public_key(), std::make_shared<Faulty>(near));
        const auto signature = far.sign(Digest::kSha256, as_bytes("a reply"));
        ASSERT_FALSE(signature);
        EXPECT_EQ(signature.error().code, Errc::kUnavailable);
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
