// Writing a CertRep (RFC 8894 section 3.3.2), in the one form that every known client reads.
#pragma once

#include "scep/pki_message.hpp"

namespace scepgate::scep {

/// Who signs replies: the RA's signing certificate, or the CA's in CA mode.
struct ReplySigner {
    certs::Certificate certificate;
    certs::PrivateKey key;
};

/// To whom, and with which algorithms. The digest is the request's; the cipher too, but never DES
/// (then AES-128-CBC).
struct ReplyAddress {
    std::string transaction_id;
    certs::DerTag transaction_id_type = certs::DerTag::kPrintableString;  ///< the request's
    Bytes recipient_nonce;  ///< the request's senderNonce; empty: it had none, so neither has this
    certs::Digest digest = certs::Digest::kSha256;
    certs::ContentCipher cipher = certs::ContentCipher::kAes128Cbc;
    /// FAILURE and PENDING with an eContent of no octets instead of none: what some clients insist
    /// on and others cannot read. The endpoint's choice.
    bool empty_content = false;
};
/// The address of an answer to a message that was opened.
[[nodiscard]] ReplyAddress reply_address(const PkiMessage& message);
/// The same for one that was not: SHA-256, or what it was signed with if `rules` allow it.
[[nodiscard]] ReplyAddress reply_address(const SignedRequest& request, const AlgorithmRules& rules);

/// The one who can read a SUCCESS: who holds the key that signed the request; or, when that key
/// cannot decrypt, who knows the challengePassword of the CSR.
struct ReplyRecipient {
    certs::Certificate certificate;  ///< the request's signer; in a renewal the old certificate
    certs::PublicKey key;            ///< its key
    Secret password;                 ///< used when the key is EC
};
/// The recipient for the sender of `message`, whose CSR (for a CertPoll: the one it asks after) has
/// this `challenge`. badAlg "SignerKeyUnsupported" when there is no way to deliver: an EC key and
/// no challenge. To be asked before anything is issued.
Result<ReplyRecipient, Refusal> reply_recipient(
    const PkiMessage& message, const std::optional<Secret>& challenge = std::nullopt);

/// SUCCESS of PKCSReq, RenewalReq, CertPoll and GetCert: `certificates` (the issued one or the one
/// asked for first; what follows is the endpoint's choice) as a degenerate SignedData, enveloped to
/// exactly one recipient (E10).
Result<Bytes> encode_success(const ReplyAddress& to,
                             const std::vector<certs::Certificate>& certificates,
                             const ReplyRecipient& recipient, const ReplySigner& signer,
                             std::int64_t now);

/// SUCCESS of GetCRL: a degenerate SignedData with this CRL and no certificate (section 4.6).
Result<Bytes> encode_crl(const ReplyAddress& to, ByteView crl_der, const ReplyRecipient& recipient,
                         const ReplySigner& signer, std::int64_t now);

/// PENDING: ask again with CertPoll.
Result<Bytes> encode_pending(const ReplyAddress& to, const ReplySigner& signer, std::int64_t now);

/// FAILURE; failInfoText, for a person to read, only when `text` is not empty. Never the text of a
/// Refusal, which is for the operator.
Result<Bytes> encode_failure(const ReplyAddress& to, FailInfo fail_info, const ReplySigner& signer,
                             std::int64_t now, std::string_view text = {});

}  // namespace scepgate::scep
