// The second step: the signature, then the envelope.
#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "scep/envelope.hpp"
#include "scep/reasons.hpp"
#include "scep/signer_key.hpp"

namespace scepgate::scep {
namespace {

/// The message types that a server answers: all but its own.
Result<MessageType, Refusal> handled_type(const SignedRequest& request) {
    if (!request.fault.empty()) {
        return refused(reason::kAttributes, "messageType, senderNonce and CMS's own, once each",
                       request.fault);
    }
    if (request.message_type && *request.message_type != MessageType::kCertRep) {
        return *request.message_type;
    }
    // Not the text as sent: it may hold anything.
    return refused(reason::kMessageType, "19, 17, 20, 21 or 22",
                   request.message_type ? std::string(to_text(*request.message_type))
                                        : "octets " + to_hex(as_bytes(request.message_type_text)));
}

/// digestAlgorithm and signatureAlgorithm, which must name the same digest (RFC 8933).
Result<certs::SignatureAlgorithm, Refusal> allowed_algorithm(const certs::CmsSignerInfo& signer,
                                                             const AlgorithmRules& rules) {
    const auto digest = certs::parse_digest(signer.digest);
    if (!digest || (*digest == certs::Digest::kSha1 && !rules.sha1)) {
        return refused(
            reason::kDigest,
            rules.sha1 ? "SHA-1, SHA-256, SHA-384, SHA-512" : "SHA-256, SHA-384, SHA-512",
            digest ? std::string(to_text(*digest)) : digest.error().detail);
    }
    const auto algorithm = certs::parse_signature_algorithm(signer.signature_algorithm, *digest);
    if (!algorithm) {
        return refused(reason::kSignatureAlgorithm,
                       "RSA (PKCS #1 v1.5) or ECDSA with " + std::string(to_text(*digest)),
                       algorithm.error().detail);
    }
    return *algorithm;
}

/// Whether there can be a challenge, by which alone a reply reaches a signer whose key cannot
/// decrypt.
bool may_have_challenge(MessageType type) noexcept {
    return type != MessageType::kGetCert && type != MessageType::kGetCrl;
}

/// The algorithm that it verified with.
Result<certs::SignatureAlgorithm, Refusal> verify_signature(const SignedRequest& request,
                                                            const certs::PublicKey& key,
                                                            const AlgorithmRules& rules) {
    const certs::CmsSignedData& data = request.signed_data;
    const certs::CmsSignerInfo& signer = data.signers.front();
    const auto algorithm = allowed_algorithm(signer, rules);
    if (!algorithm) return algorithm.error();
    if (!data.content) {
        return refused(reason::kNoEnvelope, "an EnvelopedData", "no content");
    }
    const auto verified =
        certs::verify_signer(signer, data.content_type, *data.content, *algorithm, key);
    if (!verified) {
        return refused(reason::kSignature,
                       std::string(to_text(*algorithm)) + " by the key " + key.text() +
                           " of certificate " + request.signer.serial_hex(),
                       verified.error().detail);
    }
    return *algorithm;
}

/// The eContent as strict DER; `converted` keeps it when it was sent as BER.
Result<ByteView, Refusal> envelope_der(ByteView content, Bytes& converted, Tolerances& tolerances) {
    auto der = certs::ber_to_der(content);
    if (!der) {
        return refused(reason::kEnvelope, "an EnvelopedData", der.error().detail);
    }
    converted = std::move(*der);
    if (!equal(converted, content)) tolerances.emplace_back("ber-envelope");
    return ByteView(converted);
}

}  // namespace

bool is_addressed_to(const SignedRequest& request, std::span<const RecipientKey> recipients) {
    if (!request.signed_data.content) return false;
    const auto der = certs::ber_to_der(*request.signed_data.content);
    if (!der) return false;
    const auto enveloped = find_enveloped_data(*der);
    if (!enveloped) return false;
    const auto data = certs::parse_enveloped_data(*enveloped, false);
    if (!data) return false;
    for (const auto& candidate : data->key_transport) {
        for (const RecipientKey& key : recipients) {
            if (candidate.recipient.names(key.certificate)) return true;
        }
    }
    return false;
}

Result<void> check_answerable(const SignedRequest& request, const AlgorithmRules& rules) {
    if (request.fault.empty()) return {};
    const auto unverified = [&](const std::string& reason) {
        return malformed(request.fault + "; and the signature is not verified: " + reason);
    };
    const auto key = request.signer.public_key(rules.key_limits);
    if (!key) return unverified(key.error().detail);
    const auto verified = verify_signature(request, *key, rules);
    if (!verified) return unverified(verified.error().text);
    return {};
}

Result<PkiMessage, Refusal> open_request(const SignedRequest& request,
                                         std::span<const RecipientKey> recipients,
                                         const AlgorithmRules& rules) {
    const auto type = handled_type(request);
    if (!type) return type.error();
    auto key = judge_signer_key(request.signer.public_key(rules.key_limits),
                                may_have_challenge(*type), rules);
    if (!key) return key.error();
    const auto algorithm = verify_signature(request, *key, rules);
    if (!algorithm) return algorithm.error();

    PkiMessage message;
    Bytes converted;
    const auto der = envelope_der(*request.signed_data.content, converted, message.tolerances_);
    if (!der) return der.error();
    const auto envelope = read_envelope(*der, recipients, rules);
    if (!envelope) return envelope.error();
    if (const auto fits = check_length(*envelope, *type); !fits) return fits.error();

    message.type_ = *type;
    message.transaction_id_ = request.transaction_id;
    message.transaction_id_type_ = request.transaction_id_type;
    message.sender_nonce_ = request.sender_nonce;
    message.signer_ = request.signer;
    message.signer_key_ = std::move(*key);
    message.signature_ = *algorithm;
    message.cipher_ = envelope->encryption.cipher;
    message.transport_ = envelope->transport;
    message.judged_ = std::chrono::steady_clock::now();
    // A CertPoll is answered by its transactionID and signer; its names say nothing more (C09).
    if (*type != MessageType::kCertPoll) {
        auto content = open_envelope(*envelope);
        if (!content) return refused(reason::kKeyUnavailable, content.error().detail);
        message.content_ = std::move(*content);
    }
    return message;
}

}  // namespace scepgate::scep
