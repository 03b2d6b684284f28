#include "certs/private_key.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "certs/key_contexts.hpp"
#include "certs/peer_keys.hpp"
#include "certs/rsa_unpadding.hpp"

namespace scepgate::certs {

struct PrivateKey::State {
    EvpPkeyPtr key;          ///< null when it is elsewhere
    KeyContexts contexts;    ///< of `key`
    mutable PeerKeys peers;  ///< on the curve of `key`
    std::shared_ptr<const KeyOperations> elsewhere;
    PublicKey public_key;
    Bytes modulus;         ///< RSA only
    Secret rejection_key;  ///< RSA only; derived from the key, so the same on every node
};

namespace {

constexpr std::size_t kLargestKeyFile = 256 * 1024;

struct KnownSpec {
    std::string_view text;
    KeySpec spec;
};
constexpr std::array<KnownSpec, 7> kSpecs{{
    {"rsa:2048", {KeyType::kRsa, 2048}},
    {"rsa:3072", {KeyType::kRsa, 3072}},
    {"rsa:4096", {KeyType::kRsa, 4096}},
    {"rsa:8192", {KeyType::kRsa, 8192}},
    {"ec:p256", {KeyType::kEc, 256}},
    {"ec:p384", {KeyType::kEc, 384}},
    {"ec:p521", {KeyType::kEc, 521}},
}};

/// pem_password_cb: gives the passphrase, or fails; the default one would ask on the terminal.
int give_passphrase(char* buffer, int size, int /*for_writing*/, void* passphrase) {
    const ByteView text = static_cast<const Secret*>(passphrase)->view();
    if (text.empty() || size < 0 || text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

/// ECDH. `context` is of our key and is gone afterwards, and with it what refers to `peer`.
Result<Secret> derive(EvpPkeyCtxPtr context, EVP_PKEY* peer) {
    // No further validation of the peer: a PublicKey is on its curve, and the cofactor is 1.
    std::size_t length = 0;
    if (!context || EVP_PKEY_derive_set_peer_ex(context.get(), peer, 0) != 1 ||
        EVP_PKEY_derive(context.get(), nullptr, &length) != 1) {
        return take_ossl_error("key agreement");
    }
    Bytes shared(length);
    const bool derived = EVP_PKEY_derive(context.get(), shared.data(), &length) == 1;
    Secret secret(std::move(shared));
    if (!derived || length != secret.view().size()) return take_ossl_error("key agreement");
    return secret;
}

/// A component of the key, big-endian.
Result<Secret> component(EVP_PKEY* key, const char* name) {
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return take_ossl_error("RSA key component");
    const BnPtr number(raw);
    Bytes octets(static_cast<std::size_t>(BN_num_bytes(number.get())));
    BN_bn2bin(number.get(), octets.data());
    return Secret(std::move(octets));
}

/// The plaintext in a buffer of the modulus's length (zeros when the operation fails), and whether
/// the ciphertext was below the modulus.
struct RawPlaintext {
    Secret octets;
    std::size_t length = 0;  ///< what OpenSSL says of the plaintext's, 0 after a failure
    Mask in_range = 0;
};

/// A value that is not below the modulus, which the sender chose and knows, is brought below it:
/// so it costs the same. The mask then stays clear.
struct RawInput {
    RawInput(ByteView modulus, ByteView ciphertext) : octets(to_bytes(ciphertext)) {
        const bool below = std::lexicographical_compare(ciphertext.begin(), ciphertext.end(),
                                                        modulus.begin(), modulus.end());
        if (!below) octets[0] = 0;
        in_range = static_cast<Mask>(below ? 0xFF : 0x00);
    }
    Bytes octets;
    Mask in_range = 0;
};

RawPlaintext decrypt(EVP_PKEY_CTX* context, ByteView modulus, ByteView ciphertext) {
    const RawInput input(modulus, ciphertext);
    Bytes out(modulus.size());
    std::size_t length = out.size();
    if (EVP_PKEY_decrypt(context, out.data(), &length, input.octets.data(), input.octets.size()) !=
        1)
        length = 0;
    ERR_clear_error();
    return {Secret(std::move(out)), length, input.in_range};
}

Result<RawPlaintext> decrypt(const KeyOperations& key, ByteView modulus, ByteView ciphertext) {
    const RawInput input(modulus, ciphertext);
    auto plain = key.raw_rsa(input.octets);
    if (!plain) return plain.error();
    if (plain->view().size() != modulus.size()) *plain = Secret(Bytes(modulus.size()));
    return RawPlaintext{std::move(*plain), modulus.size(), input.in_range};
}

/// Something that nobody can compute who has not the key, and that is the same on every node: the
/// decryption of a value that only this is ever asked for.
Result<Secret> rejection_key_of(const KeyOperations& key, ByteView modulus) {
    const std::string_view purpose = "scepgate: implicit rejection";
    Bytes input = to_bytes(as_bytes(purpose));
    input.insert(input.end(), modulus.begin(), modulus.end());
    const Sha256 seed = sha256(input);
    const Secret expanded = rejection_value(Secret(to_bytes(seed)), modulus, modulus.size());
    Bytes fixed = to_bytes(expanded.view());
    fixed[0] = 0;  // below the modulus
    const auto plain = key.raw_rsa(fixed);
    if (!plain) return plain.error();
    return Secret(to_bytes(sha256(plain->view())));
}

}  // namespace

Result<KeySpec> KeySpec::parse(std::string_view text) {
    std::string known;
    for (const KnownSpec& candidate : kSpecs) {
        if (text == candidate.text) return candidate.spec;
        known.append(known.empty() ? "" : ", ").append(candidate.text);
    }
    return unsupported("key '" + std::string(text) + "'; known are " + known);
}

PrivateKey::PrivateKey(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

Result<PrivateKey> PrivateKey::from_evp(EvpPkeyPtr key, const KeyLimits& limits) {
    unsigned char* encoded = nullptr;
    const int length = i2d_PUBKEY(key.get(), &encoded);
    if (length <= 0) return take_ossl_error("public half of a private key");
    const std::unique_ptr<unsigned char, Deleter<[](void* p) { OPENSSL_free(p); }>> owned(encoded);
    const auto public_key =
        PublicKey::from_spki({owned.get(), static_cast<std::size_t>(length)}, limits);
    if (!public_key) return public_key.error();

    auto state = std::make_shared<State>();
    state->public_key = *public_key;
    if (public_key->type() == KeyType::kRsa) {
        const auto modulus = component(key.get(), OSSL_PKEY_PARAM_RSA_N);
        if (!modulus) return modulus.error();
        state->modulus = to_bytes(modulus->view());
        const auto exponent = component(key.get(), OSSL_PKEY_PARAM_RSA_D);
        if (!exponent) return exponent.error();
        Sha256 hashed = sha256(exponent->view());
        state->rejection_key = Secret(to_bytes(hashed));
        OPENSSL_cleanse(hashed.data(), hashed.size());
    }
    state->key = std::move(key);
    return PrivateKey(std::move(state));
}

PrivateKey PrivateKey::from_operations(PublicKey public_key,
                                       std::shared_ptr<const KeyOperations> operations) {
    auto state = std::make_shared<State>();
    state->public_key = std::move(public_key);
    state->elsewhere = std::move(operations);
    return PrivateKey(std::move(state));
}

Result<PrivateKey> PrivateKey::from_decrypting(PublicKey public_key,
                                               std::shared_ptr<const KeyOperations> operations) {
    auto state = std::make_shared<State>();
    state->modulus = to_bytes(public_key.rsa_modulus());
    auto rejection_key = rejection_key_of(*operations, state->modulus);
    if (!rejection_key) return rejection_key.error();
    state->rejection_key = std::move(*rejection_key);
    state->public_key = std::move(public_key);
    state->elsewhere = std::move(operations);
    return PrivateKey(std::move(state));
}

Result<PrivateKey> PrivateKey::generate(KeySpec spec) {
    const bool known = std::any_of(kSpecs.begin(), kSpecs.end(), [&](const KnownSpec& candidate) {
        return candidate.spec.type == spec.type && candidate.spec.bits == spec.bits;
    });
    if (!known) return unsupported("a key of " + std::to_string(spec.bits) + " bits");
    const std::string curve = "P-" + std::to_string(spec.bits);
    EvpPkeyPtr key(spec.type == KeyType::kRsa
                       ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t(spec.bits))
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.c_str()));
    if (!key) return take_ossl_error("key generation");
    return from_evp(std::move(key), {});
}

Result<PrivateKey> PrivateKey::from_pem(ByteView pem, const Secret& passphrase,
                                        const KeyLimits& limits) {
    const auto config_error = [](Error error) {
        error.code = Errc::kConfig;
        return error;
    };
    if (pem.size() > kLargestKeyFile) return config_error(malformed("a private key this long"));
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    EvpPkeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_passphrase,
                                                 const_cast<Secret*>(&passphrase))
                       : nullptr);
    if (!key && passphrase.empty() && as_text(pem).find("ENCRYPTED") != std::string_view::npos) {
        ERR_clear_error();
        return Error{Errc::kConfig, "the private key is encrypted, and no passphrase is given"};
    }
    if (!key) {
        return config_error(take_ossl_error(passphrase.empty()
                                                ? "cannot read a private key in PEM"
                                                : "cannot read a private key in PEM with this "
                                                  "passphrase"));
    }
    ERR_clear_error();  // decoders that were tried in vain leave entries
    auto result = from_evp(std::move(key), limits);
    if (!result) return config_error(result.error());
    return result;
}

Result<PrivateKey> PrivateKey::from_file(const std::filesystem::path& path,
                                         const Secret& passphrase, const KeyLimits& limits) {
    errno = 0;
    std::ifstream file;
    file.rdbuf()->pubsetbuf(nullptr, 0);  // a buffer would keep a copy of the key
    file.open(path, std::ios::binary);
    Bytes content(kLargestKeyFile + 1);
    if (file) {
        file.read(reinterpret_cast<char*>(content.data()),
                  static_cast<std::streamsize>(content.size()));
    }
    if (!file.is_open() || file.bad()) {
        return Error{Errc::kConfig, path.string() + ": cannot be read: " + std::strerror(errno)};
    }
    const auto length = static_cast<std::size_t>(file.gcount());
    const Secret pem(std::move(content));
    auto result = from_pem(pem.view().first(length), passphrase, limits);
    if (!result) return in_context(path.string(), result.error());
    return result;
}

Result<Secret> PrivateKey::to_pem() const {
    if (!is_here()) return unsupported("writing a private key that is not here");
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), evp(), nullptr, nullptr, 0, nullptr,
                                              nullptr) != 1) {
        return take_ossl_error("writing a private key");
    }
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    return Secret(std::string_view(data, static_cast<std::size_t>(length)));
}

const PublicKey& PrivateKey::public_key() const noexcept {
    static const PublicKey kNone;
    return state_ ? state_->public_key : kNone;
}

EVP_PKEY* PrivateKey::evp() const noexcept {
    return state_ ? state_->key.get() : nullptr;
}

SignatureAlgorithm PrivateKey::signature_algorithm(Digest digest) const noexcept {
    return {type(), digest};
}

Result<Bytes> PrivateKey::sign_elsewhere(Digest digest, ByteView data) const {
    auto signature = state_->elsewhere->sign(digest, data);
    // libcrypto checks its own RSA signatures; a token's faulty one would give the key away.
    if (signature && !public_key().verifies(signature_algorithm(digest), data, *signature)) {
        return Error{Errc::kUnavailable,
                     "the signature that the key's token or signer made does not verify: a fault "
                     "over there; it was thrown away"};
    }
    return signature;
}

Result<Bytes> PrivateKey::sign(Digest digest, ByteView data) const {
    if (!state_) return unsupported("signing without a key");
    if (state_->elsewhere) return sign_elsewhere(digest, data);
    const EvpPkeyCtxPtr context = state_->contexts.signing(evp(), digest);
    if (!context) return take_ossl_error("signing");
    const Bytes hashed = digest_of(digest, data);
    Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(evp())));
    std::size_t length = signature.size();
    if (EVP_PKEY_sign(context.get(), signature.data(), &length, hashed.data(), hashed.size()) !=
        1) {
        return take_ossl_error("signing");
    }
    signature.resize(length);
    return signature;
}

Result<void> PrivateKey::check_rsa(ByteView ciphertext) const {
    const bool decrypts = state_ && !state_->modulus.empty();
    if (!decrypts) return unsupported("decryption needs an RSA key");
    if (ciphertext.size() == state_->modulus.size()) return {};
    return malformed("RSA ciphertext not of the modulus's length");
}

Result<Secret> PrivateKey::decrypt_key_pkcs1(ByteView ciphertext, std::size_t key_length) const {
    if (const auto sound = check_rsa(ciphertext); !sound) return sound.error();
    if (key_length + kPkcs1Overhead > ciphertext.size())
        return unsupported("a content key this long");

    const Secret rejected = rejection_value(state_->rejection_key, ciphertext, key_length);
    // From here on nothing may depend on the plaintext. A failed operation leaves zeros, which
    // are no encryption block.
    const auto unpadded = [&](const RawPlaintext& plain) {
        const Mask good =
            plain.in_range & is_pkcs1_encryption_block(plain.octets.view(), key_length);
        return select(good, plain.octets.view().last(key_length), rejected.view());
    };
    if (state_->elsewhere) {
        const auto plain = decrypt(*state_->elsewhere, state_->modulus, ciphertext);
        if (!plain) return plain.error();
        return unpadded(*plain);
    }
    const EvpPkeyCtxPtr context = state_->contexts.decrypting(evp());
    if (!context || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) != 1)
        return take_ossl_error("RSA decryption");
    return unpadded(decrypt(context.get(), state_->modulus, ciphertext));
}

Result<Secret> PrivateKey::decrypt_key_oaep(ByteView ciphertext, std::size_t key_length,
                                            Digest digest, Digest mgf1_digest) const {
    if (const auto sound = check_rsa(ciphertext); !sound) return sound.error();
    if (key_length > ciphertext.size()) return unsupported("a content key this long");

    const Secret rejected = rejection_value(state_->rejection_key, ciphertext, key_length);
    if (state_->elsewhere) {
        const auto plain = decrypt(*state_->elsewhere, state_->modulus, ciphertext);
        if (!plain) return plain.error();
        const auto block = undo_oaep(plain->octets, key_length, digest, mgf1_digest);
        if (!block) return block.error();
        return select(plain->in_range & block->good, block->message, rejected.view());
    }
    const EvpPkeyCtxPtr context = state_->contexts.decrypting(evp());
    if (!context || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), evp_md(digest)) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), evp_md(mgf1_digest)) != 1) {
        return take_ossl_error("RSA decryption");
    }
    // OpenSSL undoes OAEP in constant time; that it failed is all there is to learn.
    const RawPlaintext plain = decrypt(context.get(), state_->modulus, ciphertext);
    const Mask right_length = plain.length == key_length ? 0xFF : 0x00;
    return select(plain.in_range & right_length, plain.octets.view().first(key_length),
                  rejected.view());
}

Result<Secret> PrivateKey::agree(const PublicKey& peer) const {
    if (!state_ || type() != KeyType::kEc || peer.type() != KeyType::kEc ||
        peer.bits() != public_key().bits()) {
        return unsupported("key agreement needs two EC keys on one curve");
    }
    if (state_->elsewhere) return state_->elsewhere->agree(peer);
    auto key = state_->peers.take(peer);
    if (!key) return in_context("key agreement", key.error());
    auto secret = derive(state_->contexts.deriving(evp()), key->get());
    // One that failed may be in any state.
    if (secret) state_->peers.give_back(*std::move(key));
    return secret;
}

}  // namespace scepgate::certs
