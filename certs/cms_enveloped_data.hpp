// CMS EnvelopedData and AuthEnvelopedData (RFC 5652 section 6, RFC 5083): structure and content
// ciphers. Recipients are described, not opened: the callers check every public field first.
#pragma once

#include "certs/cms_signed_data.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs {

enum class ContentCipher { kDesCbc, kDes3Cbc, kAes128Cbc, kAes192Cbc, kAes256Cbc, kAes256Gcm };

[[nodiscard]] std::string_view to_text(ContentCipher cipher) noexcept;  ///< "AES-128-CBC" …
[[nodiscard]] std::size_t key_length(ContentCipher cipher) noexcept;    ///< octets
[[nodiscard]] std::size_t block_length(ContentCipher cipher) noexcept;  ///< octets; 1 for GCM

/// ContentEncryptionAlgorithmIdentifier with its parameters: the CBC IV of exactly one block, or
/// GCMParameters with a nonce of 12 octets and a tag of 16.
struct ContentEncryption {
    ContentCipher cipher{};
    ByteView iv;
};
/// kUnsupported for any other OID, IV length or parameters.
Result<ContentEncryption> parse_content_encryption(const AlgorithmIdentifier& identifier);

/// KeyTransRecipientInfo.
struct KeyTransportRecipient {
    CertificateReference recipient;
    AlgorithmIdentifier algorithm;
    ByteView encrypted_key;
};

/// RSAES-PKCS1-v1_5, or RSAES-OAEP with its parameters (RFC 4055 section 4.1).
struct KeyTransport {
    bool oaep = false;
    Digest digest = Digest::kSha1;
    Digest mgf1_digest = Digest::kSha1;
};
/// kUnsupported for another OID, bad or missing OAEP parameters beyond the defaults, a label.
Result<KeyTransport> parse_key_transport(const AlgorithmIdentifier& identifier);
[[nodiscard]] std::string to_text(
    const KeyTransport& transport);  ///< "RSA-PKCS1", "RSA-OAEP-SHA256"

/// KeyAgreeRecipientInfo with an originatorKey and one recipient (RFC 5753).
struct KeyAgreementRecipient {
    AlgorithmIdentifier originator_algorithm;
    ByteView originator_public_key;  ///< the BIT STRING's octets
    std::optional<ByteView> user_keying_material;
    AlgorithmIdentifier algorithm;   ///< key agreement scheme, with the wrap as parameter
    CertificateReference recipient;  ///< issuerAndSerialNumber or rKeyId
    ByteView encrypted_key;
};

/// Views into the DER it was read from.
struct CmsEnvelopedData {
    bool authenticated = false;  ///< AuthEnvelopedData
    std::vector<KeyTransportRecipient> key_transport;
    std::vector<KeyAgreementRecipient> key_agreement;
    std::size_t other_recipients = 0;  ///< KEK, password, other: counted, not looked into
    /// The contents of the PasswordRecipientInfos among them, for certs/cms_password.hpp.
    std::vector<ByteView> password_recipients;
    ByteView content_type;
    AlgorithmIdentifier content_encryption;
    Bytes ciphertext;  ///< segments of a constructed [0] joined
    ByteView tag;      ///< AuthEnvelopedData's mac
    [[nodiscard]] std::size_t recipients() const noexcept {
        return key_transport.size() + key_agreement.size() + other_recipients;
    }
};

/// Reads an EnvelopedData, or with `authenticated` an AuthEnvelopedData, from its whole DER (not
/// wrapped in a ContentInfo). At most 16 recipients; absent content, authenticated attributes and
/// trailing octets are kMalformed. Unprotected attributes and originatorInfo are skipped.
Result<CmsEnvelopedData> parse_enveloped_data(ByteView der, bool authenticated);
Result<CmsEnvelopedData> parse_enveloped_data(Bytes&& der, bool authenticated) = delete;

/// CBC decryption with PKCS#7 padding. nullopt for any failure: a length that is not whole blocks,
/// or bad padding (checked over the whole last block in constant time).
std::optional<Secret> decrypt_cbc(ContentCipher cipher, ByteView key, ByteView iv,
                                  ByteView ciphertext);
/// AES-256-GCM; nullopt when the tag does not match.
std::optional<Secret> decrypt_gcm(ByteView key, ByteView nonce, ByteView ciphertext, ByteView tag);

/// Content encrypted under a fresh key and IV.
struct SealedContent {
    Secret key;
    Bytes iv;
    Bytes ciphertext;
    Bytes tag;  ///< GCM only
};
/// kUnsupported for single DES, which is read but never written.
Result<SealedContent> seal_content(ContentCipher cipher, ByteView plain);

/// DER ContentEncryptionAlgorithmIdentifier.
Bytes encode_content_encryption(ContentCipher cipher, ByteView iv);

/// An EnvelopedData (version 0, not wrapped) with AES or 3DES content for one recipient by
/// KeyTransRecipientInfo and issuerAndSerialNumber, RSAES-PKCS1-v1_5 unless `oaep` names a digest.
Result<Bytes> build_enveloped_data(ByteView plain, ContentCipher cipher,
                                   const Certificate& recipient, const PublicKey& recipient_key,
                                   std::optional<Digest> oaep = std::nullopt);

/// ContentInfo ::= SEQUENCE { contentType, content [0] EXPLICIT }
Bytes build_content_info(ByteView content_type, ByteView content_der);

}  // namespace scepgate::certs
