#include "scep/envelope.hpp"

#include "certs/csr.hpp"
#include "certs/oids.hpp"
#include "scep/reasons.hpp"

namespace scepgate::scep {
namespace {

/// IssuerAndSerialNumber, in GetCert and GetCRL: a CA's name and a number.
constexpr std::size_t kMostOctetsAskedAfter = std::size_t{16} * 1024;
/// CBC adds one block at the most.
constexpr std::size_t kBlock = 16;

using certs::ContentCipher;
using certs::DerReader;
using certs::DerTag;

Refusal bad_envelope(std::string found) {
    return refused(reason::kEnvelope, "an EnvelopedData", std::move(found));
}

std::string named_by(const certs::CertificateReference& reference) {
    if (!reference.key_identifier.empty()) {
        return "key identifier " + to_hex(reference.key_identifier);
    }
    const auto issuer = certs::Name::from_der(reference.issuer_der);
    return "serial " + to_hex(reference.serial) + " of " +
           (issuer ? issuer->text() : "an unreadable issuer");
}

/// Says which certificate the client has, and which it should have. Both are public.
Refusal recipient_unknown(const Envelope& envelope, std::span<const RecipientKey> recipients) {
    std::string ours;
    for (const RecipientKey& key : recipients) {
        ours += (ours.empty() ? "serial " : ", or serial ") + key.certificate.serial_hex() +
                " of " + key.certificate.issuer_text();
    }
    const auto& named = envelope.data.key_transport;
    std::string found = named.empty() ? "none" : named_by(named.front().recipient);
    if (named.size() > 1) found += ", and " + std::to_string(named.size() - 1) + " more";
    return refused(reason::kRecipient, std::move(ours), std::move(found));
}

/// Of the recipients that carry no RSA key.
std::string other_types(const certs::CmsEnvelopedData& data) {
    std::string types;
    const auto add = [&](std::size_t count, const char* type) {
        if (count == 0) return;
        if (!types.empty()) types += ", ";
        types += std::to_string(count) + " " + type;
    };
    add(data.key_transport.size(), "of others by key transport");
    add(data.key_agreement.size(), "by key agreement");
    add(data.other_recipients, "by password or another type");
    return types;
}

std::string taken_ciphers(const AlgorithmRules& rules) {
    return std::string("AES-128-CBC, AES-192-CBC, AES-256-CBC") + (rules.des3 ? ", 3DES-CBC" : "") +
           (rules.des ? ", DES-CBC" : "");
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
            return refused(
                reason::kSeveralRecipients, "one certificate of this endpoint",
                "two of the " + std::to_string(envelope.data.recipients()) + " recipients");
        }
        chosen = &candidate;
        envelope.recipient = &*ours;
    }
    if (chosen == nullptr) {
        if (envelope.data.recipients() > envelope.data.key_transport.size()) {
            return refused(reason::kRecipientType, "one of ours by key transport (RSA)",
                           other_types(envelope.data));
        }
        return recipient_unknown(envelope, recipients);
    }
    const auto transport = certs::parse_key_transport(chosen->algorithm);
    if (!transport) {
        return refused(reason::kKeyTransport, "RSA PKCS #1 v1.5, or OAEP without a label",
                       transport.error().detail);
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
    if (!content) return bad_envelope(content.error().detail);
    if (!outer.empty()) return bad_envelope("octets after the envelope");
    DerReader fields(*content);
    // An EnvelopedData begins with its version.
    if (fields.at(DerTag::kInteger)) return der;

    const auto type = fields.read_oid();
    if (!type) return bad_envelope(type.error().detail);
    if (!equal(*type, certs::oid::kEnvelopedData)) {
        // AuthEnvelopedData is a sound envelope in itself, but no client of ours may need it.
        return refused(equal(*type, certs::oid::kAuthEnvelopedData) ? reason::kAuthenticatedEnvelope
                                                                    : reason::kEnvelopeType,
                       "EnvelopedData", certs::oid_to_text(*type));
    }
    const auto wrapped = fields.read(certs::context_constructed(0));
    if (!wrapped) return bad_envelope(wrapped.error().detail);
    if (!fields.empty()) return bad_envelope("octets after the envelope");
    return *wrapped;
}

Refusal undecryptable() {
    return refused(
        reason::kContent,
        "a certificate request with a sound signature (GetCert, GetCRL: an issuer's name "
        "and a serial number), encrypted with our key",
        "what does not open, or is something else");
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
                            certs::oid_to_text(envelope.data.content_type));
    }
    if (const auto chosen = choose_recipient(envelope, recipients); !chosen) return chosen.error();
    const auto encryption = certs::parse_content_encryption(envelope.data.content_encryption);
    if (!encryption || !allowed(encryption->cipher, rules)) {
        return refused(
            reason::kContentCipher, taken_ciphers(rules),
            encryption ? std::string(to_text(encryption->cipher)) : encryption.error().detail);
    }
    envelope.encryption = *encryption;
    return envelope;
}

Result<void, Refusal> check_length(const Envelope& envelope, MessageType type) {
    const bool looks_up = type == MessageType::kGetCert || type == MessageType::kGetCrl;
    const std::size_t content = looks_up ? kMostOctetsAskedAfter : certs::CsrLimits().octets;
    const std::size_t most = content + kBlock;
    const std::size_t found = envelope.data.ciphertext.size();
    if (found <= most) return {};
    return refused(reason::kEnvelopeTooLarge,
                   "encrypted content of " + std::to_string(most) + " octets at most",
                   std::to_string(found) + " octets");
}

Result<Secret> open_envelope(const Envelope& envelope) {
    const certs::PrivateKey& key = envelope.recipient->key;
    const certs::KeyTransport& transport = envelope.transport;
    const ContentCipher cipher = envelope.encryption.cipher;
    const std::size_t length = certs::key_length(cipher);
    const auto content_key = transport.oaep
                                 ? key.decrypt_key_oaep(envelope.encrypted_key, length,
                                                        transport.digest, transport.mgf1_digest)
                                 : key.decrypt_key_pkcs1(envelope.encrypted_key, length);
    // That a token is away depends on no ciphertext.
    if (!content_key && content_key.error().code == Errc::kUnavailable) return content_key.error();
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
