#include "policy/key_agreement.hpp"

#include <openssl/err.h>

#include "certs/oids.hpp"
#include "certs/ossl.hpp"

namespace scepgate::policy {
namespace {

using certs::DerTag;
namespace der = certs::der;
namespace oid = certs::oid;

constexpr std::size_t kMaxContentKey = 64;
constexpr std::size_t kWrapOverhead = 8;

std::size_t wrapping_key_length(KeyWrap wrap) noexcept {
    return wrap == KeyWrap::kAes128 ? 16 : 32;
}

/// The library's cipher, fetched once per process.
const EVP_CIPHER* evp_cipher(KeyWrap wrap) {
    static const EVP_CIPHER* const aes128 = EVP_CIPHER_fetch(nullptr, "AES-128-WRAP", nullptr);
    static const EVP_CIPHER* const aes256 = EVP_CIPHER_fetch(nullptr, "AES-256-WRAP", nullptr);
    return wrap == KeyWrap::kAes128 ? aes128 : aes256;
}

certs::EvpCipherCtxPtr wrap_context() {
    certs::EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    if (context) EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return context;
}

// RFC 5753 section 7.2:
//
//   ECC-CMS-SharedInfo ::= SEQUENCE {
//     keyInfo         AlgorithmIdentifier,
//     entityUInfo [0] EXPLICIT OCTET STRING OPTIONAL,
//     suppPubInfo [2] EXPLICIT OCTET STRING }
Bytes shared_info(const KeyAgreement& agreement, std::optional<ByteView> user_keying_material) {
    const std::size_t bits = 8 * wrapping_key_length(agreement.wrap);
    const std::array<std::uint8_t, 4> key_bits{0, 0, static_cast<std::uint8_t>(bits >> 8U),
                                               static_cast<std::uint8_t>(bits)};
    Bytes entity;
    if (user_keying_material) {
        entity =
            der::element(certs::context_constructed(0), der::octet_string(*user_keying_material));
    }
    return der::sequence(
        {agreement.wrap_identifier, entity,
         der::element(certs::context_constructed(2), der::octet_string(key_bits))});
}

}  // namespace

// keyEncryptionAlgorithm: the scheme, with the AlgorithmIdentifier of the key wrap as parameter.
Result<KeyAgreement> parse_key_agreement(const certs::AlgorithmIdentifier& identifier) {
    if (!equal(identifier.algorithm, oid::kStdDhSha256Kdf)) {
        return unsupported("key agreement " + certs::oid_to_text(identifier.algorithm) +
                           ", not dhSinglePass-stdDH-sha256kdf-scheme");
    }
    if (!identifier.parameters) return unsupported("key agreement without a key wrap");
    certs::DerReader reader(identifier.parameters->whole);
    const auto wrap = certs::read_algorithm(reader);
    if (!wrap) return in_context("key wrap", wrap.error());
    if (!wrap->null_or_no_parameters()) return unsupported("key wrap with parameters");

    KeyAgreement agreement;
    agreement.wrap_identifier = to_bytes(identifier.parameters->whole);
    if (equal(wrap->algorithm, oid::kAes256Wrap)) {
        agreement.wrap = KeyWrap::kAes256;
    } else if (equal(wrap->algorithm, oid::kAes128Wrap)) {
        agreement.wrap = KeyWrap::kAes128;
    } else {
        return unsupported("key wrap " + certs::oid_to_text(wrap->algorithm));
    }
    return agreement;
}

KeyAgreement default_key_agreement() {
    return {KeyWrap::kAes256, der::sequence({der::oid(oid::kAes256Wrap)})};
}

Bytes encode_key_agreement(const KeyAgreement& agreement) {
    return der::sequence({der::oid(oid::kStdDhSha256Kdf), agreement.wrap_identifier});
}

Secret derive_wrapping_key(const KeyAgreement& agreement, const Secret& shared,
                           std::optional<ByteView> user_keying_material) {
    // X9.63: SHA-256(Z || counter || SharedInfo). One round gives 32 octets, the most we need.
    constexpr std::array<std::uint8_t, 4> kFirst{0, 0, 0, 1};
    const Bytes info = shared_info(agreement, user_keying_material);
    const Secret input(der::concat({shared.view(), kFirst, info}));
    Sha256 round = sha256(input.view());
    Secret key(to_bytes(ByteView(round).first(wrapping_key_length(agreement.wrap))));
    OPENSSL_cleanse(round.data(), round.size());
    return key;
}

Result<Bytes> wrap_key(KeyWrap wrap, const Secret& wrapping_key, const Secret& key) {
    const certs::EvpCipherCtxPtr context = wrap_context();
    Bytes wrapped(key.view().size() + kWrapOverhead);
    int length = 0;
    if (!context || wrapping_key.view().size() != wrapping_key_length(wrap) ||
        key.view().size() > kMaxContentKey ||
        EVP_EncryptInit_ex2(context.get(), evp_cipher(wrap), wrapping_key.view().data(), nullptr,
                            nullptr) != 1 ||
        EVP_EncryptUpdate(context.get(), wrapped.data(), &length, key.view().data(),
                          static_cast<int>(key.view().size())) != 1 ||
        static_cast<std::size_t>(length) != wrapped.size()) {
        return certs::take_ossl_error("wrapping a content key");
    }
    return wrapped;
}

std::optional<Secret> unwrap_key(KeyWrap wrap, const Secret& wrapping_key, ByteView wrapped) {
    if (wrapped.size() < 16 + kWrapOverhead || wrapped.size() > kMaxContentKey + kWrapOverhead ||
        wrapped.size() % 8 != 0 || wrapping_key.view().size() != wrapping_key_length(wrap)) {
        return std::nullopt;
    }
    const certs::EvpCipherCtxPtr context = wrap_context();
    Bytes out(wrapped.size());
    int length = 0;
    const bool unwrapped = context &&
                           EVP_DecryptInit_ex2(context.get(), evp_cipher(wrap),
                                               wrapping_key.view().data(), nullptr, nullptr) == 1 &&
                           EVP_DecryptUpdate(context.get(), out.data(), &length, wrapped.data(),
                                             static_cast<int>(wrapped.size())) == 1 &&
                           static_cast<std::size_t>(length) + kWrapOverhead == wrapped.size();
    const Secret key(std::move(out));
    if (!unwrapped) {
        ERR_clear_error();
        return std::nullopt;
    }
    return Secret(to_bytes(key.view().first(wrapped.size() - kWrapOverhead)));
}

}  // namespace scepgate::policy
