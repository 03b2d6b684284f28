#include "scep/cert_rep.hpp"

#include "certs/cms_password.hpp"
#include "certs/oids.hpp"
#include "scep/reasons.hpp"

namespace scepgate::scep {
namespace {

using certs::ContentCipher;
using certs::Digest;

constexpr std::size_t kNonceOctets = 16;

Bytes number_attribute(ByteView type, int value) {
    return certs::encode_attribute(type, certs::der::printable_string(std::to_string(value)));
}

Bytes octets_attribute(ByteView type, ByteView octets) {
    return certs::encode_attribute(type, certs::der::octet_string(octets));
}

/// What every CertRep says of itself (RFC 8894 section 3.2.1).
std::vector<Bytes> attributes_of(const ReplyAddress& to, PkiStatus status) {
    std::vector<Bytes> attributes;
    attributes.reserve(6);
    attributes.push_back(
        number_attribute(certs::oid::kMessageType, static_cast<int>(MessageType::kCertRep)));
    attributes.push_back(number_attribute(certs::oid::kPkiStatus, static_cast<int>(status)));
    attributes.push_back(octets_attribute(certs::oid::kSenderNonce, random_bytes(kNonceOctets)));
    if (!to.recipient_nonce.empty()) {
        attributes.push_back(octets_attribute(certs::oid::kRecipientNonce, to.recipient_nonce));
    }
    // In the request's own string type: what wrote it can read it, whatever characters it holds.
    attributes.push_back(certs::encode_attribute(
        certs::oid::kTransactionId,
        certs::der::element(to.transaction_id_type, as_bytes(to.transaction_id))));
    return attributes;
}

/// `content` absent: as the endpoint writes replies that have none.
Result<Bytes> sign(const ReplyAddress& to, std::vector<Bytes> attributes,
                   std::optional<ByteView> content, const ReplySigner& signer, std::int64_t now) {
    if (!content && to.empty_content) content = ByteView();
    certs::SignedDataContents contents;
    contents.content_type = certs::oid::kData;
    contents.content = content;
    contents.signed_attributes = std::move(attributes);
    contents.signing_time = now;
    // Clients look for the signer here; one skips the verification when it is missing.
    contents.certificates = {signer.certificate};
    contents.digest = to.digest;
    return certs::build_signed_data(contents, signer.certificate, signer.key);
}

/// The digest that the unopened request was signed with, as far as it is readable and allowed.
Digest digest_as_asked(const SignedRequest& request, const AlgorithmRules& rules) {
    if (request.signed_data.signers.empty()) return Digest::kSha256;
    const auto digest = certs::parse_digest(request.signed_data.signers.front().digest);
    if (!digest || (*digest == Digest::kSha1 && !rules.sha1)) return Digest::kSha256;
    return *digest;
}

/// Single DES is never written, and GCM is no cipher of an EnvelopedData.
ContentCipher writable(ContentCipher cipher) noexcept {
    const bool mirrored = cipher != ContentCipher::kDesCbc && cipher != ContentCipher::kAes256Gcm;
    return mirrored ? cipher : ContentCipher::kAes128Cbc;
}

/// A SUCCESS around `payload`, for exactly this recipient.
Result<Bytes> deliver(const ReplyAddress& to, ByteView payload, const ReplyRecipient& recipient,
                      const ReplySigner& signer, std::int64_t now) {
    const auto enveloped =
        recipient.key.type() == certs::KeyType::kRsa
            ? certs::build_enveloped_data(payload, to.cipher, recipient.certificate, recipient.key)
            : certs::build_password_enveloped_data(payload, to.cipher, recipient.password.view());
    if (!enveloped) return enveloped.error();
    const Bytes content = certs::build_content_info(certs::oid::kEnvelopedData, *enveloped);
    return sign(to, attributes_of(to, PkiStatus::kSuccess), content, signer, now);
}

}  // namespace

ReplyAddress reply_address(const PkiMessage& message) {
    ReplyAddress to;
    to.transaction_id = message.transaction_id();
    to.transaction_id_type = message.transaction_id_type();
    to.recipient_nonce = message.sender_nonce();
    to.digest = message.signature_algorithm().digest;
    to.cipher = writable(message.cipher());
    return to;
}

ReplyAddress reply_address(const SignedRequest& request, const AlgorithmRules& rules) {
    ReplyAddress to;
    to.transaction_id = request.transaction_id;
    to.transaction_id_type = request.transaction_id_type;
    to.recipient_nonce = request.sender_nonce;
    to.digest = digest_as_asked(request, rules);
    return to;
}

Result<ReplyRecipient, Refusal> reply_recipient(const PkiMessage& message,
                                                const std::optional<Secret>& challenge) {
    const certs::PublicKey& key = message.signer_key();
    if (key.type() == certs::KeyType::kRsa) return ReplyRecipient{message.signer(), key, Secret()};
    if (!challenge) {
        return refused(reason::kSignerKey, "RSA, or a challenge to encrypt the reply with",
                       key.text() + " and no challenge");
    }
    return ReplyRecipient{message.signer(), key, challenge->clone()};
}

Result<Bytes> encode_success(const ReplyAddress& to,
                             const std::vector<certs::Certificate>& certificates,
                             const ReplyRecipient& recipient, const ReplySigner& signer,
                             std::int64_t now) {
    return deliver(to, certs::build_certificates_only(certificates), recipient, signer, now);
}

Result<Bytes> encode_crl(const ReplyAddress& to, ByteView crl_der, const ReplyRecipient& recipient,
                         const ReplySigner& signer, std::int64_t now) {
    return deliver(to, certs::build_crl_only(crl_der), recipient, signer, now);
}

Result<Bytes> encode_pending(const ReplyAddress& to, const ReplySigner& signer, std::int64_t now) {
    return sign(to, attributes_of(to, PkiStatus::kPending), std::nullopt, signer, now);
}

Result<Bytes> encode_failure(const ReplyAddress& to, FailInfo fail_info, const ReplySigner& signer,
                             std::int64_t now, std::string_view text) {
    auto attributes = attributes_of(to, PkiStatus::kFailure);
    attributes.push_back(number_attribute(certs::oid::kFailInfo, static_cast<int>(fail_info)));
    if (!text.empty()) {
        attributes.push_back(
            certs::encode_attribute(certs::oid::kFailInfoText, certs::der::utf8_string(text)));
    }
    return sign(to, std::move(attributes), std::nullopt, signer, now);
}

}  // namespace scepgate::scep
