// Against SoftHSM: a real PKCS#11 module, initialised by its own tools.
#include "certs/pkcs11_key.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/encrypted_key.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/certs/support/soft_token.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::SoftToken;

Result<PrivateKey> load(const SoftToken& token, const std::string& object) {
    return load_pkcs11_key(SoftToken::module(), token.uri(object), SoftToken::pin());
}

PrivateKey made(const SoftToken& token, const std::string& object, KeySpec spec, Pkcs11Use use) {
    auto key =
        generate_pkcs11_key(SoftToken::module(), token.uri(object), SoftToken::pin(), spec, use);
    if (!key) throw std::runtime_error(key.error().detail);
    return std::move(*key);
}

/// Made together, before the module is loaded: it is started anew for a token that it does not
/// know, but once a second at most.
struct Tokens {
    SoftToken shared{"shared"};
    SoftToken twins{"twins"};
    SoftToken careful{"careful"};
    SoftToken comes_back{"comes-back"};
};

const Tokens& tokens() {
    static const Tokens all;
    return all;
}

const SoftToken& shared_token() {
    return tokens().shared;
}

class Pkcs11Signing : public ::testing::TestWithParam<KeySpec> {};

INSTANTIATE_TEST_SUITE_P(Keys, Pkcs11Signing,
                         ::testing::Values(KeySpec{KeyType::kRsa, 2048}, KeySpec{KeyType::kEc, 256},
                                           KeySpec{KeyType::kEc, 384}, KeySpec{KeyType::kEc, 521}),
                         [](const auto& tested) {
                             return std::string(to_text(tested.param.type)) +
                                    std::to_string(tested.param.bits);
                         });

TEST_P(Pkcs11Signing, SignsWithEveryDigest) {
    const std::string label = "sign-" + std::to_string(GetParam().bits);
    const PrivateKey key = made(shared_token(), label, GetParam(), Pkcs11Use::kSign);
    EXPECT_EQ(key.public_key().bits(), GetParam().bits);
    EXPECT_FALSE(key.is_here());
    const ByteView data = as_bytes("what is signed");
    for (const Digest digest : {Digest::kSha1, Digest::kSha256, Digest::kSha384, Digest::kSha512}) {
        const auto signature = key.sign(digest, data);
        ASSERT_TRUE(signature) << signature.error().detail;
        EXPECT_TRUE(key.public_key().verifies(key.signature_algorithm(digest), data, *signature));
    }
    const auto again = load(shared_token(), label);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->public_key(), key.public_key());
}

TEST(Pkcs11KeyTest, CannotBeWritten) {
    const PrivateKey key = made(shared_token(), "stays", {KeyType::kEc, 256}, Pkcs11Use::kSign);
    EXPECT_EQ(key.to_pem().error().code, Errc::kUnsupported);
    EXPECT_EQ(to_encrypted_pem(key, Secret(std::string_view("x"))).error().code,
              Errc::kUnsupported);
}

const PrivateKey& decryption_key() {
    static const PrivateKey key =
        made(shared_token(), "decrypt", {KeyType::kRsa, 2048}, Pkcs11Use::kDecrypt);
    return key;
}

TEST(Pkcs11KeyTest, DecryptsPkcs1AndOaepOfEveryDigest) {
    const Bytes content_key = random_bytes(16);
    const PrivateKey& key = decryption_key();
    const auto pkcs1 = key.decrypt_key_pkcs1(key.public_key().encrypt_pkcs1(content_key).value(),
                                             content_key.size());
    ASSERT_TRUE(pkcs1) << pkcs1.error().detail;
    EXPECT_TRUE(equal(pkcs1->view(), content_key));
    for (const Digest digest : {Digest::kSha1, Digest::kSha256, Digest::kSha384, Digest::kSha512}) {
        const auto oaep =
            key.decrypt_key_oaep(key.public_key().encrypt_oaep(content_key, digest).value(),
                                 content_key.size(), digest, digest);
        ASSERT_TRUE(oaep) << oaep.error().detail;
        EXPECT_TRUE(equal(oaep->view(), content_key));
    }
}

/// attacks.md Z06, Z07: with a token too, bad padding shows in nothing.
TEST(Pkcs11KeyTest, AnswersBadPaddingWithTheSameNoiseEachTime) {
    const PrivateKey& key = decryption_key();
    Bytes noise(256, 0x5A);
    Bytes over(256, 0xFF);  // above every modulus
    for (const Bytes& ciphertext : {noise, over}) {
        const auto first = key.decrypt_key_pkcs1(ciphertext, 16);
        const auto second = load(shared_token(), "decrypt")->decrypt_key_pkcs1(ciphertext, 16);
        ASSERT_TRUE(first && second);
        EXPECT_TRUE(equal(first->view(), second->view()));
        const auto oaep = key.decrypt_key_oaep(ciphertext, 16, Digest::kSha256, Digest::kSha256);
        ASSERT_TRUE(oaep);
        EXPECT_EQ(oaep->view().size(), 16U);
    }
    const Bytes longer = key.public_key().encrypt_pkcs1(random_bytes(24)).value();
    EXPECT_EQ(key.decrypt_key_pkcs1(longer, 16).value().view().size(), 16U);
    EXPECT_EQ(key.decrypt_key_pkcs1(Bytes(255), 16).error().code, Errc::kMalformed);
}

TEST(Pkcs11KeyTest, TakesOaepForNothingElse) {
    const PrivateKey& key = decryption_key();
    const Bytes content_key = random_bytes(16);
    const Bytes sha256 = key.public_key().encrypt_oaep(content_key, Digest::kSha256).value();
    const auto other = key.decrypt_key_oaep(sha256, 16, Digest::kSha1, Digest::kSha1);
    EXPECT_FALSE(equal(other.value().view(), content_key));
    const auto shorter = key.decrypt_key_oaep(sha256, 15, Digest::kSha256, Digest::kSha256);
    EXPECT_FALSE(equal(shorter.value().view(), ByteView(content_key).last(15)));
}

TEST(Pkcs11KeyTest, DoesNotDecryptWithAKeyThatMaySignAlone) {
    const PrivateKey key = made(shared_token(), "signs", {KeyType::kRsa, 2048}, Pkcs11Use::kSign);
    EXPECT_EQ(key.decrypt_key_pkcs1(Bytes(256, 1), 16).error().code, Errc::kUnsupported);
}

TEST(Pkcs11KeyTest, AgreesWithAnEcKey) {
    const PrivateKey ours = made(shared_token(), "agree", {KeyType::kEc, 256}, Pkcs11Use::kAgree);
    const PrivateKey theirs = PrivateKey::generate({KeyType::kEc, 256}).value();
    const auto shared = ours.agree(theirs.public_key());
    ASSERT_TRUE(shared) << shared.error().detail;
    EXPECT_TRUE(equal(shared->view(), theirs.agree(ours.public_key()).value().view()));
}

TEST(Pkcs11KeyTest, SignsFromManyThreads) {
    const PrivateKey key = made(shared_token(), "many", {KeyType::kEc, 256}, Pkcs11Use::kSign);
    std::atomic<int> good = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 20; ++j) {
                const auto signature = key.sign(Digest::kSha256, as_bytes("x"));
                good += signature ? 1 : 0;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(good, 80);
}

TEST(Pkcs11KeyTest, MakesNoSecondKeyOfOneName) {
    static_cast<void>(made(shared_token(), "once", {KeyType::kEc, 256}, Pkcs11Use::kSign));
    const auto again = generate_pkcs11_key(SoftToken::module(), shared_token().uri("once"),
                                           SoftToken::pin(), {KeyType::kEc, 256}, Pkcs11Use::kSign);
    EXPECT_EQ(again.error().code, Errc::kDenied);
}

TEST(Pkcs11KeyTest, TakesAKeyThatAnotherToolMade) {
    shared_token().tool("--keypairgen --key-type rsa:2048 --label tool --id 0a0b");
    Pkcs11Uri by_id = shared_token().uri("");
    by_id.id = from_hex("0a0b").value();
    const auto key = load_pkcs11_key(SoftToken::module(), by_id, SoftToken::pin());
    ASSERT_TRUE(key) << key.error().detail;
    const auto signature = key->sign(Digest::kSha256, as_bytes("x"));
    ASSERT_TRUE(signature) << signature.error().detail;
    EXPECT_TRUE(key->public_key().verifies(key->signature_algorithm(Digest::kSha256), as_bytes("x"),
                                           *signature));
}

TEST(Pkcs11KeyTest, NamesWhatIsMissing) {
    const auto no_key = load(shared_token(), "nobody");
    EXPECT_EQ(no_key.error().code, Errc::kConfig);
    EXPECT_NE(no_key.error().detail.find("no such private key"), std::string::npos);

    Pkcs11Uri elsewhere = shared_token().uri("key");
    elsewhere.token = "absent";
    const auto no_token = load_pkcs11_key(SoftToken::module(), elsewhere, SoftToken::pin());
    EXPECT_EQ(no_token.error().code, Errc::kConfig);
    EXPECT_NE(no_token.error().detail.find("'shared'"), std::string::npos)
        << no_token.error().detail;

    const auto no_module =
        load_pkcs11_key("/nonexistent.so", shared_token().uri("key"), SoftToken::pin());
    EXPECT_EQ(no_module.error().code, Errc::kConfig);
    const auto other_library =
        load_pkcs11_key("libcrypto.so.3", shared_token().uri("key"), SoftToken::pin());
    EXPECT_NE(other_library.error().detail.find("C_GetFunctionList"), std::string::npos);
}

TEST(Pkcs11KeyTest, TellsSeveralKeysOfOneNameApartById) {
    const SoftToken& token = tokens().twins;
    token.tool("--keypairgen --key-type EC:prime256v1 --label twin --id 01");
    token.tool("--keypairgen --key-type EC:prime256v1 --label twin --id 02");
    EXPECT_NE(load(token, "twin").error().detail.find("several"), std::string::npos);
    Pkcs11Uri second = token.uri("twin");
    second.id = {0x02};
    EXPECT_TRUE(load_pkcs11_key(SoftToken::module(), second, SoftToken::pin()));
}

TEST(Pkcs11KeyTest, TriesAWrongPinOnce) {
    const SoftToken& token = tokens().careful;
    const Secret wrong(std::string_view("0000"));
    const auto first = load_pkcs11_key(SoftToken::module(), token.uri("key"), wrong);
    EXPECT_EQ(first.error().code, Errc::kConfig);
    EXPECT_NE(first.error().detail.find("CKR_PIN_INCORRECT"), std::string::npos)
        << first.error().detail;
    const auto second = load_pkcs11_key(SoftToken::module(), token.uri("key"), wrong);
    EXPECT_NE(second.error().detail.find("has refused this PIN"), std::string::npos)
        << second.error().detail;
    const auto right = load_pkcs11_key(SoftToken::module(), token.uri("key"), SoftToken::pin());
    EXPECT_NE(right.error().detail.find("no such private key"), std::string::npos)
        << right.error().detail;
}

TEST(Pkcs11KeyTest, GoesOnWhenTheTokenComesBack) {
    const SoftToken& token = tokens().comes_back;
    const PrivateKey key = made(token, "key", {KeyType::kEc, 256}, Pkcs11Use::kSign);
    ASSERT_TRUE(key.sign(Digest::kSha256, as_bytes("x")));
    token.take_away();
    const auto away = key.sign(Digest::kSha256, as_bytes("x"));
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().code, Errc::kUnavailable) << away.error().detail;
    token.bring_back();
    Result<Bytes> back = key.sign(Digest::kSha256, as_bytes("x"));
    for (int i = 0; !back && i < 300; ++i) {  // modules are started anew once a second at most
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        back = key.sign(Digest::kSha256, as_bytes("x"));
    }
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_TRUE(
        key.public_key().verifies(key.signature_algorithm(Digest::kSha256), as_bytes("x"), *back));
}

}  // namespace
}  // namespace scepgate::certs::this_file
