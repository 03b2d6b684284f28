// Content ciphers of EnvelopedData: their identifiers and decryption.
#include <climits>
#include <stdexcept>

#include <openssl/err.h>

#include "certs/content_cipher.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

struct CipherEntry {
    ContentCipher cipher;
    std::string_view text;
    ByteView oid;
    std::size_t key_length;
    std::size_t block_length;
    const char* openssl_name;
};

// Single DES is only in OpenSSL's legacy provider; DES-EDE3 with one key three times is the same
// function.
constexpr std::array<CipherEntry, 6> kCiphers{{
    {ContentCipher::kDesCbc, "DES-CBC", oid::kDesCbc, 8, 8, "DES-EDE3-CBC"},
    {ContentCipher::kDes3Cbc, "3DES-CBC", oid::kDesEde3Cbc, 24, 8, "DES-EDE3-CBC"},
    {ContentCipher::kAes128Cbc, "AES-128-CBC", oid::kAes128Cbc, 16, 16, "AES-128-CBC"},
    {ContentCipher::kAes192Cbc, "AES-192-CBC", oid::kAes192Cbc, 24, 16, "AES-192-CBC"},
    {ContentCipher::kAes256Cbc, "AES-256-CBC", oid::kAes256Cbc, 32, 16, "AES-256-CBC"},
    {ContentCipher::kAes256Gcm, "AES-256-GCM", oid::kAes256Gcm, 32, 1, "AES-256-GCM"},
}};

const CipherEntry& entry(ContentCipher cipher) noexcept {
    return kCiphers[static_cast<std::size_t>(cipher)];
}

// GCMParameters ::= SEQUENCE {
//   aes-nonce        OCTET STRING,
//   aes-ICVlen       INTEGER DEFAULT 12 }
Result<ByteView> read_gcm_nonce(const DerElement& parameters) {
    if (parameters.tag != DerTag::kSequence) return unsupported("GCM parameters of another type");
    DerReader fields(parameters.content);
    const auto nonce = fields.read(DerTag::kOctetString);
    if (!nonce || nonce->size() != kGcmNonceOctets)
        return unsupported("GCM nonce not of 12 octets");
    const auto tag_length = fields.read_small_integer();
    if (!tag_length || *tag_length != kGcmTagOctets || !fields.empty()) {
        return unsupported("GCM tag not of 16 octets");
    }
    return *nonce;
}

/// All ones when `left` is below `right`, else zero; both below 2^31.
std::uint32_t below(std::uint32_t left, std::uint32_t right) noexcept {
    return 0U - ((left - right) >> 31U);
}

/// The length without PKCS#7 padding. Looks at every octet of the last block whatever it finds, so
/// that the time tells only whether the padding is right, not where it is wrong.
std::optional<std::size_t> unpadded_length(ByteView plain, std::size_t block_length) noexcept {
    const auto block = static_cast<std::uint32_t>(block_length);
    const ByteView last = plain.last(block_length);
    const std::uint32_t padding = last.back();
    std::uint32_t wrong = below(padding, 1) | below(block, padding);
    for (std::uint32_t i = 0; i < block; ++i) {
        wrong |= below(i, padding) & (padding ^ last[block_length - 1 - i]);
    }
    if (wrong != 0) return std::nullopt;
    return plain.size() - padding;
}

}  // namespace

const EVP_CIPHER* evp_cipher(ContentCipher cipher) {
    static const std::array<const EVP_CIPHER*, kCiphers.size()> fetched = [] {
        std::array<const EVP_CIPHER*, kCiphers.size()> ciphers{};
        for (std::size_t i = 0; i < kCiphers.size(); ++i) {
            ciphers[i] = EVP_CIPHER_fetch(nullptr, kCiphers[i].openssl_name, nullptr);
            if (ciphers[i] == nullptr) {
                throw std::runtime_error(std::string("OpenSSL has no ") + kCiphers[i].openssl_name);
            }
        }
        return ciphers;
    }();
    return fetched[static_cast<std::size_t>(cipher)];
}

ByteView cipher_oid(ContentCipher cipher) noexcept {
    return entry(cipher).oid;
}

std::string_view to_text(ContentCipher cipher) noexcept {
    return entry(cipher).text;
}

std::size_t key_length(ContentCipher cipher) noexcept {
    return entry(cipher).key_length;
}

std::size_t block_length(ContentCipher cipher) noexcept {
    return entry(cipher).block_length;
}

Result<ContentEncryption> parse_content_encryption(const AlgorithmIdentifier& identifier) {
    for (const CipherEntry& candidate : kCiphers) {
        if (!equal(identifier.algorithm, candidate.oid)) continue;
        if (!identifier.parameters) {
            return unsupported(std::string(candidate.text) + " without parameters");
        }
        if (candidate.cipher == ContentCipher::kAes256Gcm) {
            const auto nonce = read_gcm_nonce(*identifier.parameters);
            if (!nonce) return nonce.error();
            return ContentEncryption{candidate.cipher, *nonce};
        }
        const ByteView iv = identifier.parameters->content;
        if (identifier.parameters->tag != DerTag::kOctetString ||
            iv.size() != candidate.block_length) {
            return unsupported(std::string(candidate.text) + " with an IV of " +
                               std::to_string(iv.size()) + " octets or of another type");
        }
        return ContentEncryption{candidate.cipher, iv};
    }
    return unsupported("content cipher " + oid_to_text(identifier.algorithm));
}

std::optional<Secret> decrypt_cbc(ContentCipher cipher, ByteView key, ByteView iv,
                                  ByteView ciphertext) {
    const std::size_t block = block_length(cipher);
    if (cipher == ContentCipher::kAes256Gcm || key.size() != key_length(cipher) ||
        iv.size() != block || ciphertext.empty() || ciphertext.size() % block != 0 ||
        ciphertext.size() > INT_MAX) {
        return std::nullopt;
    }
    // Reserved at once: growing would leave a copy of the key behind that is not wiped.
    const std::size_t copies = cipher == ContentCipher::kDesCbc ? 3 : 1;
    Bytes key_octets;
    key_octets.reserve(copies * key.size());
    for (std::size_t copy = 0; copy < copies; ++copy)
        key_octets.insert(key_octets.end(), key.begin(), key.end());
    const Secret cipher_key(std::move(key_octets));

    const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    Bytes out(ciphertext.size());
    int length = 0;
    int last = 0;
    const bool decrypted = context &&
                           EVP_DecryptInit_ex2(context.get(), evp_cipher(cipher),
                                               cipher_key.view().data(), iv.data(), nullptr) == 1 &&
                           EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
                           EVP_DecryptUpdate(context.get(), out.data(), &length, ciphertext.data(),
                                             static_cast<int>(ciphertext.size())) == 1 &&
                           EVP_DecryptFinal_ex(context.get(), out.data() + length, &last) == 1;
    // Owned from here, so that what was decrypted is wiped whatever comes of it.
    const Secret plain(std::move(out));
    if (!decrypted) {
        ERR_clear_error();
        return std::nullopt;
    }
    const auto unpadded = unpadded_length(plain.view(), block);
    if (!unpadded) return std::nullopt;
    return Secret(to_bytes(plain.view().first(*unpadded)));
}

std::optional<Secret> decrypt_gcm(ByteView key, ByteView nonce, ByteView ciphertext, ByteView tag) {
    if (key.size() != key_length(ContentCipher::kAes256Gcm) || nonce.size() != kGcmNonceOctets ||
        tag.size() != kGcmTagOctets || ciphertext.size() > INT_MAX) {
        return std::nullopt;
    }
    const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    Bytes expected = to_bytes(tag);
    Bytes out(ciphertext.size());
    int length = 0;
    int last = 0;
    const bool decrypted =
        context &&
        EVP_DecryptInit_ex2(context.get(), evp_cipher(ContentCipher::kAes256Gcm), key.data(),
                            nonce.data(), nullptr) == 1 &&
        EVP_DecryptUpdate(context.get(), out.data(), &length, ciphertext.data(),
                          static_cast<int>(ciphertext.size())) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kGcmTagOctets),
                            expected.data()) == 1 &&
        EVP_DecryptFinal_ex(context.get(), out.data() + length, &last) == 1;
    Secret plain(std::move(out));
    if (!decrypted) {
        ERR_clear_error();
        return std::nullopt;
    }
    return plain;
}

}  // namespace scepgate::certs
