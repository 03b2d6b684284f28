#include "certs/cms_password.hpp"

#include <climits>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "certs/content_cipher.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kLongestSalt = 64;
constexpr std::int64_t kMostIterations = 1'000'000;

constexpr std::size_t kSaltOctets = 16;
/// What is encrypted this way is a certificate, which is no secret, with a challenge that was used
/// up when it was issued (a configuration where it was not is refused: whoever recorded the reply
/// could search for it): not worth more of the server's time.
constexpr std::int64_t kPasswordIterations = 10'000;

/// RFC 3211 section 2.3.1: a length octet and three check octets stand before the key.
constexpr std::size_t kWrapHeader = 4;
constexpr std::size_t kCheckOctets = 3;

struct Prf {
    ByteView oid;
    Digest digest;
};
constexpr std::array<Prf, 4> kPrfs{{{oid::kHmacWithSha1, Digest::kSha1},
                                    {oid::kHmacWithSha256, Digest::kSha256},
                                    {oid::kHmacWithSha384, Digest::kSha384},
                                    {oid::kHmacWithSha512, Digest::kSha512}}};

bool is_wrap_cipher(ContentCipher cipher) noexcept {
    return cipher == ContentCipher::kAes128Cbc || cipher == ContentCipher::kAes192Cbc ||
           cipher == ContentCipher::kAes256Cbc;
}

/// prf AlgorithmIdentifier DEFAULT algid-hmacWithSHA1
Result<Digest> read_prf(DerReader& fields) {
    if (fields.empty()) return Digest::kSha1;
    const auto identifier = read_algorithm(fields);
    if (!identifier) return identifier.error();
    for (const Prf& prf : kPrfs) {
        if (equal(identifier->algorithm, prf.oid) && identifier->null_or_no_parameters()) {
            return prf.digest;
        }
    }
    return unsupported("PBKDF2 with " + oid_to_text(identifier->algorithm));
}

// PBKDF2-params ::= SEQUENCE {
//   salt CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
//   iterationCount INTEGER (1..MAX),
//   keyLength INTEGER (1..MAX) OPTIONAL,
//   prf AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
Result<void> read_pbkdf2(ByteView parameters, PasswordKeyWrap& wrap) {
    DerReader fields(parameters);
    const auto salt = fields.read(DerTag::kOctetString);
    if (!salt) return in_context("PBKDF2's salt", salt.error());
    const auto iterations = fields.read_small_integer();
    if (!iterations) return in_context("PBKDF2's iterationCount", iterations.error());
    if (salt->empty() || salt->size() > kLongestSalt || *iterations < 1 ||
        *iterations > kMostIterations) {
        return unsupported("PBKDF2 with a salt of " + std::to_string(salt->size()) +
                           " octets and " + std::to_string(*iterations) + " iterations");
    }
    if (fields.at(DerTag::kInteger)) {
        const auto length = fields.read_small_integer();
        if (!length) return in_context("PBKDF2's keyLength", length.error());
        if (*length != static_cast<std::int64_t>(key_length(wrap.cipher))) {
            return unsupported("PBKDF2 with another keyLength than the cipher's");
        }
    }
    const auto prf = read_prf(fields);
    if (!prf) return prf.error();
    wrap.salt = *salt;
    wrap.iterations = static_cast<std::uint32_t>(*iterations);
    wrap.prf = *prf;
    return fields.finish("PBKDF2-params");
}

// KeyEncryptionAlgorithmIdentifier: id-alg-PWRI-KEK with the cipher's AlgorithmIdentifier as
// parameters (RFC 3211 section 2.2)
Result<void> read_wrap_cipher(const AlgorithmIdentifier& identifier, PasswordKeyWrap& wrap) {
    if (!equal(identifier.algorithm, oid::kPwriKek)) {
        return unsupported("password key wrap " + oid_to_text(identifier.algorithm));
    }
    if (!identifier.parameters) return unsupported("PWRI-KEK without a cipher");
    DerReader parameters(identifier.parameters->whole);
    const auto inner = read_algorithm(parameters);
    if (!inner) return in_context("PWRI-KEK", inner.error());
    const auto cipher = parse_content_encryption(*inner);
    if (!cipher) return in_context("PWRI-KEK", cipher.error());
    if (!is_wrap_cipher(cipher->cipher)) {
        return unsupported("PWRI-KEK with " + std::string(to_text(cipher->cipher)));
    }
    wrap.cipher = cipher->cipher;
    wrap.iv = cipher->iv;
    return {};
}

Result<Secret> derive(const PasswordKeyWrap& wrap, ByteView password) {
    if (password.size() > INT_MAX) return unsupported("a password of a gigabyte or more");
    Bytes key(key_length(wrap.cipher));
    const int done = PKCS5_PBKDF2_HMAC(as_text(password).data(), static_cast<int>(password.size()),
                                       wrap.salt.data(), static_cast<int>(wrap.salt.size()),
                                       static_cast<int>(wrap.iterations), evp_md(wrap.prf),
                                       static_cast<int>(key.size()), key.data());
    Secret derived(std::move(key));
    if (done != 1) return take_ossl_error("PBKDF2");
    return derived;
}

/// One pass of CBC without padding, over whole blocks.
Result<Bytes> cbc(ContentCipher cipher, bool encrypt, ByteView key, ByteView iv, ByteView blocks) {
    const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    Bytes out(blocks.size());
    int length = 0;
    int last = 0;
    if (!context ||
        EVP_CipherInit_ex2(context.get(), evp_cipher(cipher), key.data(), iv.data(),
                           encrypt ? 1 : 0, nullptr) != 1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
        EVP_CipherUpdate(context.get(), out.data(), &length, blocks.data(),
                         static_cast<int>(blocks.size())) != 1 ||
        EVP_CipherFinal_ex(context.get(), out.data() + length, &last) != 1) {
        return take_ossl_error("password key wrap");
    }
    return out;
}

/// RFC 3211 section 2.3.1: length, check value, key, random padding; then encrypted twice, the
/// second time with the last block of the first for an IV.
Result<Bytes> wrap_key(const PasswordKeyWrap& wrap, ByteView key_encryption_key, ByteView key) {
    const std::size_t block = block_length(wrap.cipher);
    const std::size_t length =
        std::max((kWrapHeader + key.size() + block - 1) / block, 2UL) * block;
    Bytes formatted = random_bytes(length);
    formatted[0] = static_cast<std::uint8_t>(key.size());
    for (std::size_t i = 0; i < kCheckOctets; ++i)
        formatted[1 + i] = static_cast<std::uint8_t>(~key[i]);
    std::copy(key.begin(), key.end(), formatted.begin() + kWrapHeader);
    const Secret plain(std::move(formatted));
    const auto once = cbc(wrap.cipher, true, key_encryption_key, wrap.iv, plain.view());
    if (!once) return once.error();
    return cbc(wrap.cipher, true, key_encryption_key, ByteView(*once).last(block), *once);
}

/// RFC 3211 section 2.3.2. The last block comes out first: it is the IV of the inner pass's second
/// encryption, which the outer pass began with.
std::optional<Secret> unwrap_blocks(const PasswordKeyWrap& wrap, ByteView key_encryption_key) {
    const std::size_t block = block_length(wrap.cipher);
    const ByteView blocks = wrap.encrypted_key;
    if (blocks.size() < 2 * block || blocks.size() % block != 0 || blocks.size() > INT_MAX) {
        return std::nullopt;
    }
    const ByteView before_last = blocks.subspan(blocks.size() - 2 * block, block);
    const auto iv = cbc(wrap.cipher, false, key_encryption_key, before_last, blocks.last(block));
    if (!iv) return std::nullopt;
    const auto once = cbc(wrap.cipher, false, key_encryption_key, *iv, blocks);
    if (!once) return std::nullopt;
    auto plain = cbc(wrap.cipher, false, key_encryption_key, wrap.iv, *once);
    if (!plain) return std::nullopt;
    return Secret(std::move(*plain));
}

}  // namespace

// PasswordRecipientInfo ::= SEQUENCE {
//   version CMSVersion,   -- always set to 0
//   keyDerivationAlgorithm [0] KeyDerivationAlgorithmIdentifier OPTIONAL,
//   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
//   encryptedKey EncryptedKey }
Result<PasswordKeyWrap> parse_password_recipient(ByteView content) {
    PasswordKeyWrap wrap{};
    DerReader fields(content);
    const auto version = fields.read_small_integer();
    if (!version) return version.error();
    if (*version != 0) {
        return unsupported("PasswordRecipientInfo of version " + std::to_string(*version));
    }
    const auto derivation = fields.read_optional(context_constructed(0));
    if (!derivation) return derivation.error();
    if (!*derivation) return unsupported("a password recipient without a key derivation");
    const auto wrapping = read_algorithm(fields);
    if (!wrapping) return wrapping.error();
    const auto key = fields.read(DerTag::kOctetString);
    if (!key) return key.error();
    if (const auto end = fields.finish("PasswordRecipientInfo"); !end) return end.error();
    if (const auto read = read_wrap_cipher(*wrapping, wrap); !read) return read.error();
    wrap.encrypted_key = *key;

    // [0] IMPLICIT: an AlgorithmIdentifier's fields without their SEQUENCE.
    DerReader algorithm(**derivation);
    const auto type = algorithm.read_oid();
    if (!type) return in_context("keyDerivationAlgorithm", type.error());
    if (!equal(*type, oid::kPbkdf2)) return unsupported("key derivation " + oid_to_text(*type));
    const auto parameters = algorithm.read(DerTag::kSequence);
    if (!parameters) return in_context("keyDerivationAlgorithm", parameters.error());
    if (const auto end = algorithm.finish("keyDerivationAlgorithm"); !end) return end.error();
    if (const auto read = read_pbkdf2(*parameters, wrap); !read) return read.error();
    return wrap;
}

std::optional<Secret> unwrap_key(const PasswordKeyWrap& wrap, ByteView password,
                                 std::size_t key_length) {
    const auto key = derive(wrap, password);
    if (!key) return std::nullopt;
    const auto plain = unwrap_blocks(wrap, key->view());
    if (!plain) {
        ERR_clear_error();
        return std::nullopt;
    }
    const ByteView octets = plain->view();
    if (octets[0] != key_length || key_length < kCheckOctets ||
        octets.size() < kWrapHeader + key_length) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < kCheckOctets; ++i) {
        if ((octets[1 + i] ^ octets[kWrapHeader + i]) != 0xFF) return std::nullopt;
    }
    return Secret(to_bytes(octets.subspan(kWrapHeader, key_length)));
}

Result<Bytes> build_password_enveloped_data(ByteView plain, ContentCipher cipher,
                                            ByteView password) {
    if (cipher == ContentCipher::kAes256Gcm) {
        return unsupported("AES-GCM in EnvelopedData, which does not authenticate");
    }
    const auto sealed = seal_content(cipher, plain);
    if (!sealed) return sealed.error();
    const Bytes salt = random_bytes(kSaltOctets);
    const Bytes iv = random_bytes(block_length(ContentCipher::kAes256Cbc));
    const PasswordKeyWrap wrap{salt,
                               static_cast<std::uint32_t>(kPasswordIterations),
                               Digest::kSha256,
                               ContentCipher::kAes256Cbc,
                               iv,
                               {}};
    const auto key = derive(wrap, password);
    if (!key) return key.error();
    const auto encrypted_key = wrap_key(wrap, key->view(), sealed->key.view());
    if (!encrypted_key) return encrypted_key.error();

    const Bytes prf = der::sequence({der::oid(oid::kHmacWithSha256), der::null()});
    const Bytes derivation = der::concat(
        {der::oid(oid::kPbkdf2),
         der::sequence({der::octet_string(salt), der::integer(kPasswordIterations), prf})});
    const Bytes wrapping = der::sequence(
        {der::oid(oid::kPwriKek), encode_content_encryption(ContentCipher::kAes256Cbc, iv)});
    const Bytes recipient =
        der::element(context_constructed(3),
                     der::concat({der::integer(0), der::element(context_constructed(0), derivation),
                                  wrapping, der::octet_string(*encrypted_key)}));
    return der::sequence(
        {der::integer(3), der::set({recipient}),
         der::sequence({der::oid(oid::kData), encode_content_encryption(cipher, sealed->iv),
                        der::element(context_primitive(0), sealed->ciphertext)})});
}

}  // namespace scepgate::certs
