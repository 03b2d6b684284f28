// The key-encryption key of ephemeral-static ECDH (RFC 5753), and AES key wrap (RFC 3394).
#pragma once

#include <optional>

#include "certs/algorithms.hpp"
#include "certs/secret.hpp"

namespace scepgate::policy {

enum class KeyWrap { kAes128, kAes256 };

/// keyEncryptionAlgorithm of a KeyAgreeRecipientInfo.
struct KeyAgreement {
    KeyWrap wrap = KeyWrap::kAes256;
    Bytes wrap_identifier;  ///< DER AlgorithmIdentifier as sent: it goes into the key derivation
};

/// dhSinglePass-stdDH-sha256kdf-scheme with AES-128 or AES-256 key wrap; all else is kUnsupported.
[[nodiscard]] Result<KeyAgreement> parse_key_agreement(
    const certs::AlgorithmIdentifier& identifier);
/// The same scheme with AES-256 key wrap, which is what we make.
[[nodiscard]] KeyAgreement default_key_agreement();
[[nodiscard]] Bytes encode_key_agreement(const KeyAgreement& agreement);

/// The key-encryption key from the shared secret: X9.63 with SHA-256 over ECC-CMS-SharedInfo.
[[nodiscard]] Secret derive_wrapping_key(const KeyAgreement& agreement, const Secret& shared,
                                         std::optional<ByteView> user_keying_material);

/// AES key wrap. `key` must be a multiple of 8 octets, 16 at least.
[[nodiscard]] Result<Bytes> wrap_key(KeyWrap wrap, const Secret& wrapping_key, const Secret& key);
/// Empty when the wrapped key was not made with this wrapping key, or has an odd length.
[[nodiscard]] std::optional<Secret> unwrap_key(KeyWrap wrap, const Secret& wrapping_key,
                                               ByteView wrapped);

}  // namespace scepgate::policy
