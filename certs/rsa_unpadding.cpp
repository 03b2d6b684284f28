#include "certs/rsa_unpadding.hpp"

#include <stdexcept>

#include <openssl/core_names.h>

#include "certs/ossl.hpp"

namespace scepgate::certs {
namespace {

/// Hides a value from the optimizer, which could turn masking into a branch.
Mask opaque(Mask value) noexcept {
    asm volatile("" : "+r"(value));
    return value;
}

Mask is_zero(std::uint8_t octet) noexcept {
    // The borrow of octet - 1 fills the upper bits only when the octet is zero.
    return opaque(static_cast<Mask>((static_cast<unsigned>(octet) - 1U) >> 8U));
}

Mask is_equal(std::uint8_t left, std::uint8_t right) noexcept {
    return is_zero(static_cast<std::uint8_t>(left ^ right));
}

using MacContext = std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>>;

/// To copy: HMAC() looks its algorithms up by name each time, at ten times the work.
MacContext make_hmac_sha256() {
    const std::unique_ptr<EVP_MAC, Deleter<EVP_MAC_free>> mac(
        EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    MacContext context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
    std::array<char, 7> digest{"SHA256"};
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    if (!context || EVP_MAC_CTX_set_params(context.get(), parameters.data()) != 1) {
        throw std::runtime_error("OpenSSL has no HMAC-SHA256");  // and the next call tries again
    }
    return context;
}

Secret hmac_sha256(ByteView key, ByteView data) {
    static const MacContext made = make_hmac_sha256();
    const MacContext context(EVP_MAC_CTX_dup(made.get()));
    Bytes out(32);
    std::size_t length = 0;
    if (!context || EVP_MAC_init(context.get(), key.data(), key.size(), nullptr) != 1 ||
        EVP_MAC_update(context.get(), data.data(), data.size()) != 1 ||
        EVP_MAC_final(context.get(), out.data(), &length, out.size()) != 1 ||
        length != out.size()) {
        throw std::runtime_error("OpenSSL cannot compute HMAC-SHA256");
    }
    return Secret(std::move(out));
}

/// `data` with MGF1 of `seed` over it (RFC 8017 appendix B.2.1).
Secret unmasked(ByteView data, ByteView seed, Digest digest) {
    Bytes out = to_bytes(data);
    Bytes input = to_bytes(seed);
    input.resize(seed.size() + 4);
    std::size_t at = 0;
    for (std::uint8_t counter = 0; at < out.size(); ++counter) {
        input.back() = counter;  // a modulus of 8192 bits takes 52 digests of the shortest
        Secret block(digest_of(digest, input));
        for (std::size_t i = 0; i < block.view().size() && at < out.size(); ++i, ++at)
            out[at] = static_cast<std::uint8_t>(out[at] ^ block.view()[i]);
    }
    const Secret wiped(std::move(input));
    return Secret(std::move(out));
}

}  // namespace

Result<OaepBlock> undo_oaep(const Secret& encoded, std::size_t message_length, Digest digest,
                            Digest mgf1_digest) {
    const Bytes label_hash = digest_of(digest, {});
    const std::size_t hash = label_hash.size();
    const ByteView whole = encoded.view();
    if (whole.size() < 2 * hash + 2 + message_length) return unsupported("a content key this long");
    const ByteView masked_seed = whole.subspan(1, hash);
    const ByteView masked_data = whole.subspan(1 + hash);
    const Secret seed = unmasked(masked_seed, masked_data, mgf1_digest);
    OaepBlock block;
    block.data = unmasked(masked_data, seed.view(), mgf1_digest);
    const ByteView data = block.data.view();
    block.message = data.last(message_length);
    const std::size_t separator = data.size() - message_length - 1;
    Mask good = is_zero(whole[0]) & is_equal(data[separator], 0x01);
    for (std::size_t i = 0; i < hash; ++i)
        good = static_cast<Mask>(good & is_equal(data[i], label_hash[i]));
    for (std::size_t i = hash; i < separator; ++i)
        good = static_cast<Mask>(good & is_zero(data[i]));
    block.good = opaque(good);
    return block;
}

Secret rejection_value(const Secret& rejection_key, ByteView ciphertext, std::size_t length) {
    const Secret key = hmac_sha256(rejection_key.view(), ciphertext);
    Bytes out;
    out.reserve(length + 32);  // a reallocation would leave a copy behind
    for (std::uint8_t counter = 0; out.size() < length; ++counter) {
        const std::array<std::uint8_t, 4> input{counter, 'k', 'e', 'y'};
        const Secret block = hmac_sha256(key.view(), input);
        out.insert(out.end(), block.view().begin(), block.view().end());
    }
    out.resize(length);
    return Secret(std::move(out));
}

Mask is_pkcs1_encryption_block(ByteView encoded, std::size_t message_length) noexcept {
    const std::size_t separator = encoded.size() - message_length - 1;
    Mask good = is_zero(encoded[0]) & is_equal(encoded[1], 0x02) & is_zero(encoded[separator]);
    for (std::size_t i = 2; i < separator; ++i) {
        good = static_cast<Mask>(good & ~is_zero(encoded[i]));
    }
    return opaque(good);
}

Secret select(Mask mask, ByteView accepted, ByteView rejected) {
    Bytes out(accepted.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<std::uint8_t>((accepted[i] & opaque(mask)) |
                                           (rejected[i] & opaque(static_cast<Mask>(~mask))));
    }
    return Secret(std::move(out));
}

}  // namespace scepgate::certs
