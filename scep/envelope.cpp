#include "scep/envelope.hpp"

#include "certs/oids.hpp"

namespace scepgate::scep {
namespace {

using certs::ContentCipher;
using certs::DerReader;
using certs::DerTag;

Refusal bad_envelope(std::string text) {
    return {FailInfo::kBadRequest, "EnvelopeMalformed", std::move(text)};
}

/// The one KeyTransRecipientInfo that names one of our certificates. The others are not looked
/// into: some clients encrypt to every certificate of GetCACert. Two that are ours would let a
/// prober learn of one by the other (attacks.md Z06).
Result<void, Refusal> choose_recipient(Envelope& envelope,
                                       std::span<const RecipientKey> recipients) {
    const certs::KeyTransportRecipient* chosen = nullptr;
    for (const certs::KeyTransportRecipient& candidate : envelope.data.key_transport) {
        const auto ours = std::find_if(
            recipients.begin(), recipients.end(),
            [&](const RecipientKey& key) { return candidate.recipient.names(key.certificate); });
        if (ours == recipients.end()) continue;
        if (chosen != nullptr) {
            return Refusal{FailInfo::kBadRequest, "SeveralRecipients",
                           "two of the " + std::to_string(envelope.data.recipients()) +
                               " recipients name certificates of this endpoint"};
        }
        chosen = &candidate;
        envelope.recipient = &*ours;
    }
    if (chosen == nullptr) {
        if (envelope.data.recipients() > envelope.data.key_transport.size()) {
            return Refusal{FailInfo::kBadAlg, "RecipientTypeUnsupported",
                           "no key transport recipient is ours, and other types are not taken"};
        }
        return undecryptable();
    }
    const auto transport = certs::parse_key_transport(chosen->algorithm);
    if (!transport) {
        return Refusal{FailInfo::kBadAlg, "KeyTransportUnsupported", transport.error().detail};
    }
    envelope.transport = *transport;
    envelope.encrypted_key = chosen->encrypted_key;
    return {};
}

bool allowed(ContentCipher cipher, const AlgorithmRules& rules) noexcept {
    switch (cipher) {
        case ContentCipher::kDesCbc:
            return rules.des;
        case ContentCipher::kDes3Cbc:
            return rules.des3;
        case ContentCipher::kAes128Cbc:
        case ContentCipher::kAes192Cbc:
        case ContentCipher::kAes256Cbc:
            return true;
        case ContentCipher::kAes256Gcm:
            return false;
    }
    return false;
}

}  // namespace

// ContentInfo ::= SEQUENCE {
//   contentType  ContentType,
//   content      [0] EXPLICIT ANY DEFINED BY contentType }
Result<ByteView, Refusal> find_enveloped_data(ByteView der) {
    DerReader outer(der);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return bad_envelope("content: " + content.error().detail);
    if (!outer.empty()) return bad_envelope("content: octets after the envelope");
    DerReader fields(*content);
    // An EnvelopedData begins with its version.
    if (fields.at(DerTag::kInteger)) return der;

    const auto type = fields.read_oid();
    if (!type) return bad_envelope("content: " + type.error().detail);
    if (!equal(*type, certs::oid::kEnvelopedData)) {
        // AuthEnvelopedData is a sound envelope in itself, but no client of ours may need it.
        const FailInfo info = equal(*type, certs::oid::kAuthEnvelopedData) ? FailInfo::kBadAlg
                                                                           : FailInfo::kBadRequest;
        return Refusal{
            info, "EnvelopeTypeUnsupported",
            "content of type " + certs::oid_to_text(*type) + " where EnvelopedData belongs"};
    }
    const auto wrapped = fields.read(certs::context_constructed(0));
    if (!wrapped) return bad_envelope("content: " + wrapped.error().detail);
    if (!fields.empty()) return bad_envelope("content: octets after the envelope");
    return *wrapped;
}

Refusal undecryptable() {
    return {FailInfo::kBadMessageCheck, "Undecryptable",
            "the envelope does not open with a key of this endpoint, or what is inside is not what "
            "this message type holds (a certificate request with a sound signature; names and a "
            "serial number); is the client using the certificates of this endpoint's GetCACert?"};
}

Result<Envelope, Refusal> read_envelope(ByteView der, std::span<const RecipientKey> recipients,
                                        const AlgorithmRules& rules) {
    const auto enveloped = find_enveloped_data(der);
    if (!enveloped) return enveloped.error();
    auto data = certs::parse_enveloped_data(*enveloped, false);
    if (!data) return bad_envelope(data.error().detail);

    Envelope envelope;
    envelope.data = std::move(*data);
    if (!equal(envelope.data.content_type, certs::oid::kData)) {
        return bad_envelope("encrypted content of type " +
                            certs::oid_to_text(envelope.data.content_type) + ", not id-data");
    }
    if (const auto chosen = choose_recipient(envelope, recipients); !chosen) return chosen.error();
    const auto encryption = certs::parse_content_encryption(envelope.data.content_encryption);
    if (!encryption) {
        return Refusal{FailInfo::kBadAlg, "ContentCipherUnsupported", encryption.error().detail};
    }
    if (!allowed(encryption->cipher, rules)) {
        return Refusal{FailInfo::kBadAlg, "ContentCipherUnsupported",
                       std::string(to_text(encryption->cipher)) + " (" +
                           certs::oid_to_text(envelope.data.content_encryption.algorithm) +
                           ") is not taken by this endpoint"};
    }
    envelope.encryption = *encryption;
    return envelope;
}

Secret open_envelope(const Envelope& envelope) {
    const certs::PrivateKey& key = envelope.recipient->key;
    const certs::KeyTransport& transport = envelope.transport;
    const ContentCipher cipher = envelope.encryption.cipher;
    const std::size_t length = certs::key_length(cipher);
    const auto content_key = transport.oaep
                                 ? key.decrypt_key_oaep(envelope.encrypted_key, length,
                                                        transport.digest, transport.mgf1_digest)
                                 : key.decrypt_key_pkcs1(envelope.encrypted_key, length);
    if (content_key) {
        auto plain = certs::decrypt_cbc(cipher, content_key->view(), envelope.encryption.iv,
                                        envelope.data.ciphertext);
        if (plain) return std::move(*plain);
    }
    // Zeros are no DER. Anything of the sender's making, such as the ciphertext itself, could be a
    // sound request, and whether it was taken would tell whether the envelope opened.
    return Secret(Bytes(envelope.data.ciphertext.size()));
}

}  // namespace scepgate::scep
