// The third step: what a PKCSReq asks for.
#include "scep/equal_work.hpp"
#include "scep/pki_message.hpp"

namespace scepgate::scep {
namespace {

/// The request inside. Until its own signature has verified it is undecryptable(), whatever is
/// wrong: an honest envelope with one flipped bit must not be told from another (attacks.md
/// E06-E08). After that its sender is who made it, and may be told that it is refused.
Result<certs::Csr, Refusal> read_request(const PkiMessage& message, const AlgorithmRules& rules) {
    certs::CsrLimits limits;
    limits.key = rules.key_limits;
    auto csr = certs::Csr::from_der(message.content(), limits, rules.sha1, &message.signer_key());
    if (csr) return std::move(*csr);
    if (csr.error().code == Errc::kDenied) {
        return Refusal{FailInfo::kBadRequest, "CertificateRequestDecodingFailed",
                       csr.error().detail};
    }
    if (csr.error().code != Errc::kBadSignature) check_a_signature_for_nothing();
    return undecryptable();
}

}  // namespace

Result<EnrollmentRequest, Refusal> to_enrollment_request(const SignedRequest& request,
                                                         const PkiMessage& message,
                                                         std::string endpoint,
                                                         std::string client_address,
                                                         const AlgorithmRules& rules) {
    auto csr = read_request(message, rules);
    if (!csr) return csr.error();
    // Otherwise somebody could sign another one's sniffed envelope anew and burn its challenge.
    if (csr->public_key() != message.signer_key()) {
        return Refusal{FailInfo::kBadRequest, "SignerKeyMismatch",
                       "the request is for another key (" + csr->public_key().text() +
                           ") than the one that signed the message (" +
                           message.signer_key().text() + ")"};
    }
    const auto purpose = certs::purpose_of(csr->requested().key_usage);
    if (!purpose) {
        return Refusal{FailInfo::kBadRequest, "KeyUsageUnsupported", purpose.error().detail};
    }
    return EnrollmentRequest{.endpoint = std::move(endpoint),
                             .kind = EnrollmentKind::kInitial,
                             .message_type = static_cast<int>(message.type()),
                             .transaction_id = request.transaction_id,
                             .csr = std::move(*csr),
                             .purpose = *purpose,
                             .signer = request.signer,
                             .client_address = std::move(client_address)};
}

}  // namespace scepgate::scep
