// Reading a pkiMessage: the outer signature, then the envelope (RFC 8894 section 3).
//
// Two steps, because they fail in two ways. read_signed_request() touches nothing secret: what it
// cannot read has no sender to answer and becomes HTTP 400. From then on every failure is answered
// with a signed CertRep, and open_request() says which one. In between stand requests of which the
// sender is readable and not what he wants: check_answerable().
#pragma once

#include <chrono>
#include <span>

#include "certs/enrollment.hpp"
#include "scep/message.hpp"

namespace scepgate::scep {

/// What can be read before anything is trusted: enough to address an answer.
/// Moved, never copied: `signed_data` would point into the original.
struct SignedRequest {
    SignedRequest() = default;
    SignedRequest(SignedRequest&&) = default;
    SignedRequest& operator=(SignedRequest&&) = default;

    std::string transaction_id;  ///< 1 to 255 octets of readable UTF-8, echoed byte for byte
    certs::DerTag transaction_id_type = certs::DerTag::kPrintableString;  ///< echoed too
    std::string message_type_text;  ///< as sent, at most 16 octets kept
    std::optional<MessageType> message_type;
    Bytes sender_nonce;  ///< as sent: 1 to 64 octets, echoed; empty only beside a fault
    std::optional<std::int64_t> signing_time;  ///< empty when it is missing or cannot be read
    /// What is wrong with the attributes, for the operator; empty when nothing is. A request with a
    /// fault is never opened.
    std::string fault;
    certs::Certificate signer;  ///< the certificate that the SignerInfo names
    Tolerances tolerances;

    Bytes der;  ///< the whole message as DER
    certs::CmsSignedData signed_data;
};

/// Reads DER or BER (S01). kMalformed, to be answered with HTTP 400, when it is no ContentInfo with
/// SignedData and exactly one SignerInfo (S04–S06), the signer's certificate is missing or
/// ambiguous (S07), there are no signed attributes (S12), or the transactionID is missing, double
/// (two transactions, of which neither is the one to answer) or of another type (S10, S11).
/// transactionID: any text in PrintableString, UTF8String or IA5String; not what could play with a
/// terminal or a database (control characters, invalid UTF-8: S15).
/// Only a fault: messageType or senderNonce missing, double or of another type; a senderNonce of
/// other than 1 to 64 octets; one of CMS's own attributes double.
///
/// Tolerances: "ber", "enveloped-content-type", "transaction-id-string-type",
/// "transaction-id-characters", "nonce-length", "no-content-type", "no-signing-time".
Result<SignedRequest> read_signed_request(ByteView message);

/// Whether there is somebody to answer with a CertRep. Always when the request has no fault. With
/// one, only when the signature verifies, by algorithms and a key that `rules` allow (B08): else
/// kMalformed, to be answered with HTTP 400.
Result<void> check_answerable(const SignedRequest& request, const AlgorithmRules& rules);

/// A key that requests may be encrypted to: the RA's encryption key, an older one, or the CA's.
struct RecipientKey {
    certs::Certificate certificate;
    certs::PrivateKey key;  ///< RSA
};

/// Whether the envelope names one of `recipients`. Looks at nothing else and touches no key; false
/// for what cannot be read, which open_request() refuses.
[[nodiscard]] bool is_addressed_to(const SignedRequest& request,
                                   std::span<const RecipientKey> recipients);

/// A message whose signature verifies and whose envelope was opened (a CertPoll's: judged). Only
/// open_request() makes one; it carries all that later steps need of the SignedRequest, so that no
/// two can be mixed up.
class PkiMessage {
public:
    [[nodiscard]] MessageType type() const noexcept { return type_; }
    [[nodiscard]] const std::string& transaction_id() const noexcept { return transaction_id_; }
    [[nodiscard]] certs::DerTag transaction_id_type() const noexcept {
        return transaction_id_type_;
    }
    [[nodiscard]] const Bytes& sender_nonce() const noexcept { return sender_nonce_; }
    /// Who signed it: its key did, nothing else of it was judged.
    [[nodiscard]] const certs::Certificate& signer() const noexcept { return signer_; }
    [[nodiscard]] const certs::PublicKey& signer_key() const noexcept { return signer_key_; }
    /// The decrypted content; of a CertPoll none. When the envelope did not open it is arbitrary
    /// and must be used as if it were real: the readers of scep/message_content.hpp end all such
    /// messages in one and the same refusal.
    [[nodiscard]] ByteView content() const noexcept { return content_.view(); }
    [[nodiscard]] certs::SignatureAlgorithm signature_algorithm() const noexcept {
        return signature_;
    }
    [[nodiscard]] certs::ContentCipher cipher() const noexcept { return cipher_; }
    [[nodiscard]] const certs::KeyTransport& key_transport() const noexcept { return transport_; }
    /// When all that is public had been judged: the moment before the private key was used.
    [[nodiscard]] std::chrono::steady_clock::time_point judged() const noexcept { return judged_; }
    /// What was forgiven beyond SignedRequest::tolerances: "ber-envelope".
    [[nodiscard]] const Tolerances& tolerances() const noexcept { return tolerances_; }

private:
    friend Result<PkiMessage, Refusal> open_request(const SignedRequest&,
                                                    std::span<const RecipientKey>,
                                                    const AlgorithmRules&);
    PkiMessage() = default;

    MessageType type_{};
    std::string transaction_id_;
    certs::DerTag transaction_id_type_{};
    Bytes sender_nonce_;
    certs::Certificate signer_;
    certs::PublicKey signer_key_;
    Secret content_;
    certs::SignatureAlgorithm signature_;
    certs::ContentCipher cipher_{};
    certs::KeyTransport transport_;
    std::chrono::steady_clock::time_point judged_;
    Tolerances tolerances_;
};

/// Verifies, then opens: PKCSReq, RenewalReq, CertPoll, GetCert and GetCRL. In this order, each
/// before any private-key operation: no fault (else badRequest, B08), message type one of these
/// (badRequest, B16), algorithms and the signer's key allowed (badAlg, S13, K01; an EC key only
/// where its reply can be delivered, which for GetCert and GetCRL is never), signature and digests
/// (badMessageCheck, S09), the envelope's structure, exactly one recipient of ours (badRequest,
/// E02), its algorithms (badAlg, E03–E05), its length (badRequest). Then one decryption with one
/// key; for a CertPoll none. What goes wrong from there on is not told here but by the content (see
/// PkiMessage).
Result<PkiMessage, Refusal> open_request(const SignedRequest& request,
                                         std::span<const RecipientKey> recipients,
                                         const AlgorithmRules& rules);

/// The one refusal for everything between the RSA operation and a verified CSR signature
/// (attacks.md E06–E08, "U"), or between it and what a GetCert or GetCRL asks after:
/// badMessageCheck (for those two badCertId), no text to the device.
[[nodiscard]] Refusal undecryptable();

}  // namespace scepgate::scep
