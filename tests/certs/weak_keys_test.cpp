#include "certs/weak_keys.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "certs/ossl.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs::this_file {
namespace {

struct Numbers {
    std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>> context{BN_CTX_new()};

    static BnPtr number() { return BnPtr(BN_new()); }

    /// The first prime from `start` on.
    BnPtr prime_from(const BIGNUM* start) const {
        BnPtr prime(BN_dup(start));
        if (!BN_is_odd(prime.get())) BN_add_word(prime.get(), 1);
        while (BN_check_prime(prime.get(), context.get(), nullptr) != 1)
            BN_add_word(prime.get(), 2);
        return prime;
    }

    static BnPtr random_1024() {
        BnPtr random = number();
        BN_rand(random.get(), 1024, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
        return random;
    }

    /// k·M + (65537^a mod M), M the product of the first 126 primes: how RSALib made primes of 1024
    /// bits (Nemec et al., "The Return of Coppersmith's Attack").
    BnPtr roca_prime() const {
        BnPtr product = number();
        BN_one(product.get());
        int primes = 0;
        for (BN_ULONG candidate = 2; primes < 126; ++candidate) {
            bool prime = true;
            for (BN_ULONG divisor = 2; divisor * divisor <= candidate; ++divisor)
                prime = prime && candidate % divisor != 0;
            if (!prime) continue;
            BN_mul_word(product.get(), candidate);
            ++primes;
        }
        BnPtr result = number();
        BnPtr base = number();
        BnPtr exponent = number();
        BnPtr factor = number();
        BN_set_word(base.get(), 65537);
        const int factor_bits = 1024 - BN_num_bits(product.get());
        do {
            BN_rand(exponent.get(), 62, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
            BN_mod_exp(result.get(), base.get(), exponent.get(), product.get(), context.get());
            BN_rand(factor.get(), factor_bits + 1, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
            BN_mul(factor.get(), factor.get(), product.get(), context.get());
            BN_add(result.get(), result.get(), factor.get());
        } while (BN_num_bits(result.get()) != 1024 || BN_is_bit_set(result.get(), 1022) == 0 ||
                 BN_check_prime(result.get(), context.get(), nullptr) != 1);
        return result;
    }

    PublicKey key(const BIGNUM* p, const BIGNUM* q) const {
        BnPtr modulus = number();
        BnPtr exponent = number();
        BN_mul(modulus.get(), p, q, context.get());
        BN_set_word(exponent.get(), 65537);
        std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
        std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>> parameters(
            OSSL_PARAM_BLD_to_param(builder.get()));
        const EvpPkeyCtxPtr maker(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
        EVP_PKEY* raw = nullptr;
        EVP_PKEY_fromdata_init(maker.get());
        EVP_PKEY_fromdata(maker.get(), &raw, EVP_PKEY_PUBLIC_KEY, parameters.get());
        const EvpPkeyPtr made(raw);
        unsigned char* der = nullptr;
        const int size = i2d_PUBKEY(made.get(), &der);
        const Bytes spki(der, der + size);
        OPENSSL_free(der);
        return *PublicKey::from_spki(spki);
    }
};

class WeakKeysTest : public ::testing::Test {
protected:
    /// A prime, and another about 2^`distance` above it.
    PublicKey key_with_distance(int distance) const {
        const BnPtr p = numbers_.prime_from(Numbers::random_1024().get());
        BnPtr start(BN_dup(p.get()));
        BnPtr step = Numbers::number();
        BN_set_word(step.get(), 1);
        BN_lshift(step.get(), step.get(), distance);
        BN_add(start.get(), start.get(), step.get());
        return numbers_.key(p.get(), numbers_.prime_from(start.get()).get());
    }

    Numbers numbers_;
};

TEST_F(WeakKeysTest, K03_AcceptsSoundKeys) {
    for (int i = 0; i < 3; ++i) {
        const auto key = PrivateKey::generate({KeyType::kRsa, 2048});
        ASSERT_TRUE(key);
        EXPECT_EQ(weakness_of(key->public_key()), std::nullopt);
    }
    const auto ec = PrivateKey::generate({KeyType::kEc, 256});
    ASSERT_TRUE(ec);
    EXPECT_EQ(weakness_of(ec->public_key()), std::nullopt);
}

TEST_F(WeakKeysTest, K03_RefusesTheFingerprintOfRoca) {
    const BnPtr p = numbers_.roca_prime();
    const BnPtr q = numbers_.roca_prime();
    const auto weakness = weakness_of(numbers_.key(p.get(), q.get()));
    ASSERT_TRUE(weakness);
    EXPECT_NE(weakness->find("ROCA"), std::string_view::npos);
}

TEST_F(WeakKeysTest, K03_OneSoundPrimeHasNoFingerprint) {
    const BnPtr p = numbers_.roca_prime();
    const BnPtr q = numbers_.prime_from(Numbers::random_1024().get());
    EXPECT_EQ(weakness_of(numbers_.key(p.get(), q.get())), std::nullopt);
}

TEST_F(WeakKeysTest, K03_RefusesPrimesThatAreClose) {
    for (const int distance : {1, 64, 500, 515, 517}) {
        const auto weakness = weakness_of(key_with_distance(distance));
        ASSERT_TRUE(weakness) << distance;
        EXPECT_NE(weakness->find("close"), std::string_view::npos);
    }
}

TEST_F(WeakKeysTest, K03_RefusesASmallFactor) {
    for (const BN_ULONG factor : {3UL, 7UL, 251UL, 743UL, 751UL}) {
        const BnPtr small = numbers_.number();
        BN_set_word(small.get(), factor);
        BnPtr large = numbers_.number();
        BN_rand(large.get(), 2048 - BN_num_bits(small.get()), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
        const auto weakness = weakness_of(numbers_.key(small.get(), large.get()));
        ASSERT_TRUE(weakness) << factor;
        EXPECT_NE(weakness->find("factor under 752"), std::string_view::npos);
    }
}

TEST_F(WeakKeysTest, K03_RefusesASquare) {
    const BnPtr p = numbers_.prime_from(Numbers::random_1024().get());
    EXPECT_TRUE(weakness_of(numbers_.key(p.get(), p.get())));
}

}  // namespace
}  // namespace scepgate::certs::this_file
