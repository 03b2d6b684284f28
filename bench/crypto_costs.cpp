#include "bench/crypto_costs.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <time.h>

#include <openssl/rsa.h>

#include "certs/bytes.hpp"
#include "certs/ossl.hpp"

namespace scepgate::bench {
namespace {

using certs::EvpCipherCtxPtr;
using certs::EvpPkeyCtxPtr;
using certs::EvpPkeyPtr;
using certs::take_ossl_error;

constexpr std::size_t kData = 2048;

double thread_cpu_microseconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// CPU time and not wall-clock time, and the median of batches: other processes on the machine, and
/// the cold first calls, must not raise the bound that others are measured by.
template <class Operation>
Result<double> cost_of(std::string_view what, Operation operation) {
    constexpr double kBatch = 20'000;
    std::array<double, 9> batches{};
    std::size_t calls = 1;
    for (std::size_t batch = 0; batch < batches.size();) {
        const double start = thread_cpu_microseconds();
        for (std::size_t i = 0; i < calls; ++i) {
            if (!operation()) return take_ossl_error(what);
        }
        const double spent = thread_cpu_microseconds() - start;
        if (spent < kBatch / 2) {
            calls *= 2;
            continue;
        }
        batches[batch++] = spent / static_cast<double>(calls);
    }
    std::nth_element(batches.begin(), batches.begin() + batches.size() / 2, batches.end());
    return batches[batches.size() / 2];
}

EvpPkeyCtxPtr context_for(const EvpPkeyPtr& key) {
    return EvpPkeyCtxPtr(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
}

Result<void> measure_rsa(CryptoCosts& costs) {
    const EvpPkeyPtr key(EVP_RSA_gen(2048));
    if (!key) return take_ossl_error("RSA key");
    const EvpPkeyCtxPtr decrypt = context_for(key);
    const EvpPkeyCtxPtr encrypt = context_for(key);
    const EvpPkeyCtxPtr sign = context_for(key);
    const EvpPkeyCtxPtr verify = context_for(key);
    const bool ready = EVP_PKEY_decrypt_init(decrypt.get()) == 1 &&
                       EVP_PKEY_CTX_set_rsa_padding(decrypt.get(), RSA_NO_PADDING) == 1 &&
                       EVP_PKEY_encrypt_init(encrypt.get()) == 1 &&
                       EVP_PKEY_sign_init(sign.get()) == 1 &&
                       EVP_PKEY_CTX_set_signature_md(sign.get(), EVP_sha256()) == 1 &&
                       EVP_PKEY_verify_init(verify.get()) == 1 &&
                       EVP_PKEY_CTX_set_signature_md(verify.get(), EVP_sha256()) == 1;
    if (!ready) return take_ossl_error("RSA contexts");

    const Sha256 digest{1, 2, 3};
    std::array<unsigned char, 256> wrapped{}, plain{}, signature{};
    const auto encrypts = [&] {
        std::size_t length = wrapped.size();
        return EVP_PKEY_encrypt(encrypt.get(), wrapped.data(), &length, digest.data(), 16) == 1;
    };
    const auto decrypts = [&] {
        std::size_t length = plain.size();
        return EVP_PKEY_decrypt(decrypt.get(), plain.data(), &length, wrapped.data(),
                                wrapped.size()) == 1;
    };
    const auto signs = [&] {
        std::size_t length = signature.size();
        return EVP_PKEY_sign(sign.get(), signature.data(), &length, digest.data(), digest.size()) ==
               1;
    };
    const auto verifies = [&] {
        return EVP_PKEY_verify(verify.get(), signature.data(), signature.size(), digest.data(),
                               digest.size()) == 1;
    };
    const auto encryption = cost_of("RSA encryption", encrypts);
    if (!encryption) return encryption.error();
    const auto decryption = cost_of("RSA decryption", decrypts);
    if (!decryption) return decryption.error();
    const auto signing = cost_of("RSA signature", signs);
    if (!signing) return signing.error();
    const auto verification = cost_of("RSA verification", verifies);
    if (!verification) return verification.error();
    costs.rsa_encrypt = *encryption;
    costs.rsa_private = *decryption;
    costs.rsa_sign = *signing;
    costs.rsa_verify = *verification;
    return {};
}

Result<void> measure_ec(CryptoCosts& costs) {
    const EvpPkeyPtr key(EVP_EC_gen("P-256"));
    const EvpPkeyPtr peer(EVP_EC_gen("P-256"));
    if (!key || !peer) return take_ossl_error("EC keys");
    const EvpPkeyCtxPtr sign = context_for(key);
    const EvpPkeyCtxPtr verify = context_for(key);
    const EvpPkeyCtxPtr derive = context_for(key);
    const bool ready = EVP_PKEY_sign_init(sign.get()) == 1 &&
                       EVP_PKEY_verify_init(verify.get()) == 1 &&
                       EVP_PKEY_derive_init(derive.get()) == 1 &&
                       EVP_PKEY_derive_set_peer(derive.get(), peer.get()) == 1;
    if (!ready) return take_ossl_error("EC contexts");

    const Sha256 digest{1, 2, 3};
    std::array<unsigned char, 128> signature{}, secret{};
    std::size_t signature_length = 0;
    const auto signs = [&] {
        signature_length = signature.size();
        return EVP_PKEY_sign(sign.get(), signature.data(), &signature_length, digest.data(),
                             digest.size()) == 1;
    };
    const auto verifies = [&] {
        return EVP_PKEY_verify(verify.get(), signature.data(), signature_length, digest.data(),
                               digest.size()) == 1;
    };
    const auto derives = [&] {
        std::size_t length = secret.size();
        return EVP_PKEY_derive(derive.get(), secret.data(), &length) == 1;
    };
    const auto signing = cost_of("ECDSA signature", signs);
    if (!signing) return signing.error();
    const auto verification = cost_of("ECDSA verification", verifies);
    if (!verification) return verification.error();
    const auto derivation = cost_of("ECDH", derives);
    if (!derivation) return derivation.error();
    costs.ec_sign = *signing;
    costs.ec_verify = *verification;
    costs.ecdh = *derivation;
    return {};
}

Result<double> measure_cipher(const EVP_CIPHER* cipher) {
    const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    const std::array<unsigned char, 32> key{}, iv{};
    const std::array<unsigned char, kData> input{};
    std::array<unsigned char, kData + EVP_MAX_BLOCK_LENGTH> output{};
    return cost_of("cipher", [&] {
        int length = 0;
        return EVP_DecryptInit_ex2(context.get(), cipher, key.data(), iv.data(), nullptr) == 1 &&
               EVP_DecryptUpdate(context.get(), output.data(), &length, input.data(), kData) == 1;
    });
}

Result<void> measure_symmetric(CryptoCosts& costs) {
    const auto cbc = measure_cipher(EVP_aes_128_cbc());
    if (!cbc) return cbc.error();
    const auto gcm = measure_cipher(EVP_aes_256_gcm());
    if (!gcm) return gcm.error();
    const std::array<unsigned char, kData> input{};
    std::array<unsigned char, 32> digest{};
    const auto hash = cost_of("SHA-256", [&] {
        return EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sha256(),
                          nullptr) == 1;
    });
    if (!hash) return hash.error();
    costs.aes_cbc = *cbc;
    costs.aes_gcm = *gcm;
    costs.sha256 = *hash;
    return {};
}

}  // namespace

Result<CryptoCosts> measure_crypto() {
    CryptoCosts costs;
    if (auto rsa = measure_rsa(costs); !rsa) return rsa.error();
    if (auto ec = measure_ec(costs); !ec) return ec.error();
    if (auto symmetric = measure_symmetric(costs); !symmetric) return symmetric.error();
    return costs;
}

double Bound::microseconds() const {
    return std::accumulate(items.begin(), items.end(), 0.0, [](double sum, const BoundItem& item) {
        return sum + item.microseconds;
    });
}

std::vector<Bound> enrolment_bounds(const CryptoCosts& costs) {
    std::vector<Bound> bounds;
    for (const bool blob : {true, false}) {
        for (const bool rsa_ca : {true, false}) {
            Bound bound;
            bound.name = std::string(blob ? "challenge_blob" : "static") +
                         (rsa_ca ? ", RSA-2048 CA" : ", P-256 CA");
            bound.key =
                std::string(blob ? "challenge_blob" : "static") + (rsa_ca ? "-rsa2048" : "-p256");
            bound.items = {{"request signature, RSA verify", costs.rsa_verify},
                           {"CSR signature, RSA verify", costs.rsa_verify},
                           {"request decryption, RSA private", costs.rsa_private}};
            if (blob) {
                bound.items.push_back({"blob signature, P-256 verify", costs.ec_verify});
                bound.items.push_back({"blob decryption, P-256 ECDH", costs.ecdh});
                bound.items.push_back({"blob content, AES-256-GCM, 2 KiB", costs.aes_gcm});
            }
            bound.items.push_back(rsa_ca ? BoundItem{"certificate, RSA sign", costs.rsa_sign}
                                         : BoundItem{"certificate, P-256 sign", costs.ec_sign});
            bound.items.push_back({"reply key, RSA encrypt", costs.rsa_encrypt});
            bound.items.push_back({"reply, RSA sign", costs.rsa_sign});
            // Request and reply content, 4 KiB in all; digests of message, CSR, certificate and
            // reply.
            bound.items.push_back(
                {"request and reply content, AES-128-CBC, 4 KiB", 2 * costs.aes_cbc});
            bound.items.push_back({"digests, SHA-256, 12 KiB", 6 * costs.sha256});
            bounds.push_back(std::move(bound));
        }
    }
    return bounds;
}

}  // namespace scepgate::bench
