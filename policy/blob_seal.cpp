// Making blobs.
#include "certs/oids.hpp"
#include "policy/blob_envelope.hpp"
#include "policy/key_agreement.hpp"

namespace scepgate::policy {
namespace {

using certs::DerTag;
namespace der = certs::der;
namespace oid = certs::oid;

// RFC 5753 section 3.1.1:
//
//   KeyAgreeRecipientInfo ::= SEQUENCE {          -- in RecipientInfo as [1] IMPLICIT
//     version CMSVersion,  -- always set to 3
//     originator [0] EXPLICIT OriginatorIdentifierOrKey,
//     ukm [1] EXPLICIT UserKeyingMaterial OPTIONAL,
//     keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
//     recipientEncryptedKeys RecipientEncryptedKeys }
Result<Bytes> agree_on_key(const Secret& content_key, const certs::Certificate& recipient,
                           const certs::PublicKey& recipient_key) {
    const auto ephemeral = certs::PrivateKey::generate({certs::KeyType::kEc, recipient_key.bits()});
    if (!ephemeral) return ephemeral.error();
    const auto shared = ephemeral->agree(recipient_key);
    if (!shared) return shared.error();
    const KeyAgreement agreement = default_key_agreement();
    const auto wrapped = wrap_key(
        agreement.wrap, derive_wrapping_key(agreement, *shared, std::nullopt), content_key);
    if (!wrapped) return wrapped.error();

    // OriginatorPublicKey has the form of a SubjectPublicKeyInfo, tagged [1].
    Bytes originator_key = to_bytes(ephemeral->public_key().spki());
    originator_key.front() = static_cast<std::uint8_t>(certs::context_constructed(1));
    const Bytes encrypted_key =
        der::sequence({recipient.issuer_and_serial(), der::octet_string(*wrapped)});
    return der::element(
        certs::context_constructed(1),
        der::concat({der::integer(3), der::element(certs::context_constructed(0), originator_key),
                     encode_key_agreement(agreement), der::sequence({encrypted_key})}));
}

// RFC 4055 section 4.1: hashFunc [0], maskGenFunc [1]; the label stays empty.
Bytes oaep_identifier(certs::Digest digest) {
    const Bytes hash = certs::digest_identifier(digest);
    return der::sequence(
        {der::oid(oid::kRsaesOaep),
         der::sequence({der::element(certs::context_constructed(0), hash),
                        der::element(certs::context_constructed(1),
                                     der::sequence({der::oid(oid::kMgf1), hash}))})});
}

//   KeyTransRecipientInfo ::= SEQUENCE {
//     version CMSVersion,  -- 0 with issuerAndSerialNumber
//     rid RecipientIdentifier,
//     keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
//     encryptedKey EncryptedKey }
Result<Bytes> transport_key(const Secret& content_key, const certs::Certificate& recipient,
                            const certs::PublicKey& recipient_key) {
    constexpr auto kDigest = certs::Digest::kSha256;
    const auto encrypted = recipient_key.encrypt_oaep(content_key.view(), kDigest);
    if (!encrypted) return encrypted.error();
    return der::sequence({der::integer(0), recipient.issuer_and_serial(), oaep_identifier(kDigest),
                          der::octet_string(*encrypted)});
}

}  // namespace

// RFC 5083 section 2.1:
//
//   AuthEnvelopedData ::= SEQUENCE {
//     version CMSVersion,  -- always set to 0
//     recipientInfos RecipientInfos,
//     authEncryptedContentInfo EncryptedContentInfo,
//     mac MessageAuthenticationCode }
Result<Bytes> seal_envelope(ByteView plain, const certs::Certificate& recipient) {
    constexpr auto kCipher = certs::ContentCipher::kAes256Gcm;
    const auto key = recipient.public_key();
    if (!key) return in_context("the recipient's key", key.error());
    const auto sealed = certs::seal_content(kCipher, plain);
    if (!sealed) return sealed.error();
    const auto recipient_info = key->type() == certs::KeyType::kEc
                                    ? agree_on_key(sealed->key, recipient, *key)
                                    : transport_key(sealed->key, recipient, *key);
    if (!recipient_info) return recipient_info.error();
    const Bytes content =
        der::sequence({der::oid(oid::kData), certs::encode_content_encryption(kCipher, sealed->iv),
                       der::element(certs::context_primitive(0), sealed->ciphertext)});
    return der::sequence(
        {der::integer(0), der::set({*recipient_info}), content, der::octet_string(sealed->tag)});
}

Result<Secret> seal_blob(ChallengeClaims claims, const certs::Certificate& recipient,
                         const BlobSigner& signer, std::int64_t now) {
    claims.issuer = to_hex(signer.certificate.fingerprint());
    const Secret json(encode_claims(claims));
    if (const auto readable = parse_claims(json.text()); !readable) return readable.error();

    const auto envelope = seal_envelope(json.view(), recipient);
    if (!envelope) return envelope.error();
    certs::SignedDataContents contents;
    contents.content_type = oid::kAuthEnvelopedData;
    contents.content = ByteView(*envelope);
    contents.signing_time = now;
    const auto blob = certs::build_signed_data(contents, signer.certificate, signer.key);
    if (!blob) return blob.error();
    return Secret(to_base64(*blob));
}

}  // namespace scepgate::policy
