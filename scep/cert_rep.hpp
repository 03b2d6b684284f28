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
    Bytes recipient_nonce;  ///< the request's senderNonce
    certs::Digest digest = certs::Digest::kSha256;
    certs::ContentCipher cipher = certs::ContentCipher::kAes128Cbc;
};
/// The address of an answer to `request`; `message` when it was opened (else SHA-256, or what the
/// request was signed with if `rules` allow it).
[[nodiscard]] ReplyAddress reply_address(const SignedRequest& request, const PkiMessage* message,
                                         const AlgorithmRules& rules);

/// SUCCESS: `certificates` (the issued one first) as a degenerate SignedData, enveloped to the one
/// certificate that signed the request, whose key is `recipient_key` (RSA).
Result<Bytes> encode_success(const ReplyAddress& to,
                             const std::vector<certs::Certificate>& certificates,
                             const certs::Certificate& recipient,
                             const certs::PublicKey& recipient_key, const ReplySigner& signer,
                             std::int64_t now);

/// FAILURE; no content and no text (section 3.3.2.2 makes the text optional).
Result<Bytes> encode_failure(const ReplyAddress& to, FailInfo fail_info, const ReplySigner& signer,
                             std::int64_t now);

}  // namespace scepgate::scep
