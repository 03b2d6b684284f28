// The third step: what a PKCSReq or RenewalReq asks for.
#include "scep/cert_rep.hpp"
#include "scep/equal_work.hpp"
#include "scep/message_content.hpp"
#include "scep/reasons.hpp"

namespace scepgate::scep {
namespace {

bool issued_by(const TrustedIssuer& issuer, const certs::Certificate& certificate) {
    return certs::same_name(issuer.certificate.subject_der(), certificate.issuer_der()) &&
           certificate.signed_by(issuer.key);
}

/// From the message type and the signer alone, never from what was encrypted.
Result<EnrollmentKind, Refusal> kind_of(const PkiMessage& message,
                                        std::span<const TrustedIssuer> issuers) {
    if (message.type() != MessageType::kPkcsReq && message.type() != MessageType::kRenewalReq) {
        return refused(reason::kMessageType, "PKCSReq or RenewalReq",
                       std::string(to_text(message.type())));
    }
    // A CA's own certificate is among what it issued, but is nothing to renew here.
    const bool ours = std::any_of(issuers.begin(), issuers.end(), [&](const TrustedIssuer& issuer) {
        return issuer.certificate != message.signer() && issued_by(issuer, message.signer());
    });
    if (ours) return EnrollmentKind::kRenewal;
    if (message.type() == MessageType::kPkcsReq) return EnrollmentKind::kInitial;
    const char* expected =
        issuers.empty() ? "none: the endpoint renews nothing" : "issued by a CA of this endpoint";
    return refused(
        reason::kRenewalSigner, expected,
        "serial " + message.signer().serial_hex() + " of " + message.signer().issuer_text());
}

/// Two of a kind and size can be told apart.
std::string description_of(const certs::PublicKey& key) {
    return key.text() + " with SHA-256 " + to_hex(sha256(key.spki()));
}

/// The request inside. Until its own signature has verified it is undecryptable(), whatever is
/// wrong: an honest envelope with one flipped bit must not be told from another (attacks.md
/// E06-E08). After that its sender is who made it, and may be told that it is refused.
Result<certs::Csr, Refusal> read_request(const PkiMessage& message, const AlgorithmRules& rules) {
    certs::CsrLimits limits;
    limits.key = rules.key_limits;
    auto csr = certs::Csr::from_der(message.content(), limits, rules.sha1, &message.signer_key());
    if (csr) return std::move(*csr);
    if (csr.error().code == Errc::kDenied) {
        return refused(reason::kRequest, csr.error().detail);
    }
    if (csr.error().code != Errc::kBadSignature) check_a_signature_for_nothing(message.content());
    return undecryptable();
}

}  // namespace

Result<EnrollmentRequest, Refusal> to_enrollment_request(const PkiMessage& message,
                                                         const RequestContext& context,
                                                         const AlgorithmRules& rules) {
    const auto kind = kind_of(message, context.issuers);
    if (!kind) return kind.error();
    auto csr = read_request(message, rules);
    if (!csr) return csr.error();
    // Otherwise somebody could sign another one's sniffed envelope anew and burn its challenge.
    if (*kind == EnrollmentKind::kInitial && csr->public_key() != message.signer_key()) {
        return refused(reason::kSameKey, description_of(message.signer_key()),
                       description_of(csr->public_key()));
    }
    if (const auto recipient = reply_recipient(message, csr->challenge()); !recipient) {
        return recipient.error();
    }
    const auto purpose = certs::purpose_of(csr->requested().key_usage);
    if (!purpose) {
        return refused(reason::kKeyUsage, "digitalSignature, keyEncipherment, both or none",
                       csr->requested().key_usage->text());
    }
    return EnrollmentRequest{.endpoint = context.endpoint,
                             .kind = *kind,
                             .message_type = static_cast<int>(message.type()),
                             .transaction_id = message.transaction_id(),
                             .csr = std::move(*csr),
                             .purpose = *purpose,
                             .signer = message.signer(),
                             .client_address = context.client_address};
}

}  // namespace scepgate::scep
