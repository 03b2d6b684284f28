// Opening the envelope of a blob.
#include "certs/oids.hpp"
#include "policy/blob_envelope.hpp"
#include "policy/key_agreement.hpp"

namespace scepgate::policy {
namespace {

/// The originator's key, which must lie on our key's curve.
Result<certs::PublicKey> originator_key(const certs::KeyAgreementRecipient& recipient,
                                        const certs::PublicKey& ours) {
    namespace der = certs::der;
    const certs::AlgorithmIdentifier& algorithm = recipient.originator_algorithm;
    if (!equal(algorithm.algorithm, certs::oid::kEcPublicKey)) {
        return unsupported("an originator key of type " + certs::oid_to_text(algorithm.algorithm));
    }
    // RFC 5753 section 7.1.2: the parameters may be absent (or, in older senders, NULL); the curve
    // is then the recipient's.
    certs::DerReader info(ours.spki());
    const auto fields = info.read(certs::DerTag::kSequence);
    if (!fields) return fields.error();
    certs::DerReader own_fields(*fields);
    const auto own_algorithm = own_fields.read_whole(certs::DerTag::kSequence);
    if (!own_algorithm) return own_algorithm.error();
    if (!algorithm.null_or_no_parameters()) {
        const Bytes named =
            der::sequence({der::oid(algorithm.algorithm), algorithm.parameters->whole});
        if (!equal(named, *own_algorithm)) return unsupported("an originator key on another curve");
    }
    return certs::PublicKey::from_spki(
        der::sequence({*own_algorithm, der::bit_string(recipient.originator_public_key)}));
}

/// Empty after any failure of the private-key operation; an Error for what is public.
Result<std::optional<Secret>> content_key(const BlobEnvelope& envelope,
                                          const BlobDecryptionKey& ours) {
    const std::size_t length = certs::key_length(envelope.encryption.cipher);
    if (!envelope.data.key_agreement.empty()) {
        const certs::KeyAgreementRecipient& recipient = envelope.data.key_agreement.front();
        if (ours.key.type() != certs::KeyType::kEc) {
            return unsupported("key agreement with our RSA key");
        }
        const auto agreement = parse_key_agreement(recipient.algorithm);
        if (!agreement) return agreement.error();
        const auto originator = originator_key(recipient, ours.key.public_key());
        if (!originator) return in_context("originator key", originator.error());
        const auto shared = ours.key.agree(*originator);
        if (!shared) return shared.error();
        return unwrap_key(agreement->wrap,
                          derive_wrapping_key(*agreement, *shared, recipient.user_keying_material),
                          recipient.encrypted_key);
    }
    const certs::KeyTransportRecipient& recipient = envelope.data.key_transport.front();
    if (ours.key.type() != certs::KeyType::kRsa) {
        return unsupported("key transport with our EC key");
    }
    const auto transport = certs::parse_key_transport(recipient.algorithm);
    if (!transport) return transport.error();
    if (!transport->oaep) {
        return unsupported("RSAES-PKCS1-v1_5, which lets ciphertexts be probed; use RSAES-OAEP");
    }
    auto key = ours.key.decrypt_key_oaep(recipient.encrypted_key, length, transport->digest,
                                         transport->mgf1_digest);
    if (!key) return key.error();
    return std::optional<Secret>(std::move(*key));
}

}  // namespace

Result<Secret> open_envelope(const BlobEnvelope& envelope,
                             const std::vector<BlobDecryptionKey>& keys) {
    const auto ours = std::find_if(keys.begin(), keys.end(), [&](const BlobDecryptionKey& each) {
        return envelope.recipient().names(each.certificate);
    });
    if (ours == keys.end()) {
        return Error{Errc::kNotFound,
                     "it is encrypted to somebody else (" + describe(envelope.recipient()) + ")"};
    }
    const auto key = content_key(envelope, *ours);
    if (!key) return key.error();
    std::optional<Secret> plain;
    if (*key) {
        plain = envelope.data.authenticated
                    ? certs::decrypt_gcm((*key)->view(), envelope.encryption.iv,
                                         envelope.data.ciphertext, envelope.data.tag)
                    : certs::decrypt_cbc(envelope.encryption.cipher, (*key)->view(),
                                         envelope.encryption.iv, envelope.data.ciphertext);
    }
    if (!plain) return Error{Errc::kDenied, "it does not decrypt with our key"};
    return std::move(*plain);
}

}  // namespace scepgate::policy
