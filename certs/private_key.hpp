// Private keys of ours: RA, CA, challenge signer and decryption keys, and the client tool's.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "certs/key_operations.hpp"
#include "certs/public_key.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs {

/// "rsa:2048", "rsa:3072", "rsa:4096", "rsa:8192", "ec:p256", "ec:p384", "ec:p521" as the command
/// line spells them.
struct KeySpec {
    KeyType type = KeyType::kRsa;
    int bits = 2048;  ///< modulus bits, or 256/384/521
    static Result<KeySpec> parse(std::string_view text);
};

/// A private key: one of ours in memory, or one that is asked for elsewhere (key_operations.hpp).
/// Cheap to copy (shared). Safe for concurrent use: OpenSSL blinds RSA operations
/// and each call has its own context.
class PrivateKey {
public:
    PrivateKey() = default;

    static Result<PrivateKey> generate(KeySpec spec);
    /// PEM (PKCS#8, encrypted or not, or traditional). A wrong or missing passphrase is kConfig.
    /// Its public key must be within `limits`. Never asks on the terminal.
    static Result<PrivateKey> from_pem(ByteView pem, const Secret& passphrase = {},
                                       const KeyLimits& limits = {});
    static Result<PrivateKey> from_file(const std::filesystem::path& path,
                                        const Secret& passphrase = {},
                                        const KeyLimits& limits = {});

    /// A key that is elsewhere, and signs. What else it can do, its operations say.
    static PrivateKey from_operations(PublicKey public_key,
                                      std::shared_ptr<const KeyOperations> operations);
    /// One that decrypts too. Asks for one decryption, to derive what takes the place of badly
    /// padded content keys.
    static Result<PrivateKey> from_decrypting(PublicKey public_key,
                                              std::shared_ptr<const KeyOperations> operations);

    /// Whether the key itself is here, so that it can be written and handed to OpenSSL.
    [[nodiscard]] bool is_here() const noexcept { return evp() != nullptr; }

    /// Unencrypted PKCS#8 PEM. kUnsupported: the key is elsewhere.
    [[nodiscard]] Result<Secret> to_pem() const;

    [[nodiscard]] const PublicKey& public_key() const noexcept;
    [[nodiscard]] KeyType type() const noexcept { return public_key().type(); }
    [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }

    /// RSASSA-PKCS1-v1_5 or ECDSA (DER signature), by the key's type. kUnavailable: whoever holds
    /// the key cannot now, or has made a signature that does not verify.
    [[nodiscard]] Result<Bytes> sign(Digest digest, ByteView data) const;
    /// The algorithm that sign() uses with this digest.
    [[nodiscard]] SignatureAlgorithm signature_algorithm(Digest digest) const noexcept;

    /// Decrypts a content-encryption key with RSAES-PKCS1-v1_5, giving nothing away: whatever the
    /// padding, the answer is `key_length` octets, in the same time and by the same path. When the
    /// padding is bad or the length differs they are pseudo-random and depend only on this key and
    /// the ciphertext (implicit rejection, so that asking twice tells nothing either).
    /// Fails only for what is public: the ciphertext's length is not the modulus's, or a key of
    /// `key_length` octets cannot be in it; or kUnavailable: the key's token cannot be reached.
    /// OpenSSL 3.0 has no implicit rejection (attacks.md Z06, Z07).
    [[nodiscard]] Result<Secret> decrypt_key_pkcs1(ByteView ciphertext,
                                                   std::size_t key_length) const;
    /// The same for RSAES-OAEP; `digest` and `mgf1_digest` as the message's parameters say.
    [[nodiscard]] Result<Secret> decrypt_key_oaep(ByteView ciphertext, std::size_t key_length,
                                                  Digest digest, Digest mgf1_digest) const;

    /// ECDH with `peer`, which must be on the same curve: the shared x coordinate (RFC 5753).
    [[nodiscard]] Result<Secret> agree(const PublicKey& peer) const;

    /// Null when the key is elsewhere.
    [[nodiscard]] EVP_PKEY* evp() const noexcept;

private:
    struct State;
    explicit PrivateKey(std::shared_ptr<const State> state) noexcept;
    static Result<PrivateKey> from_evp(EvpPkeyPtr key, const KeyLimits& limits);
    [[nodiscard]] Result<void> check_rsa(ByteView ciphertext) const;
    [[nodiscard]] Result<Bytes> sign_elsewhere(Digest digest, ByteView data) const;
    std::shared_ptr<const State> state_;
};

}  // namespace scepgate::certs
