// Why a message is refused before policy is asked: one line for each check. docs/refusals.md lists
// them, and a test holds both together.
#pragma once

#include "certs/refusal.hpp"

namespace scepgate::scep::reason {

inline constexpr bool kTemporary = true;

inline constexpr Reason kAttributes{
    FailInfo::kBadRequest, "MessageAttributesUnreadable", "attributes",
    "the client writes messages that RFC 8894 section 3.2.1 does not know: update it, or report it "
    "to its maker"};
inline constexpr Reason kMessageType{
    FailInfo::kBadRequest, "MessageTypeUnsupported", "messageType",
    "the client asks for what no SCEP server answers: update it, or report it to its maker"};
inline constexpr Reason kDigest{
    FailInfo::kBadAlg, "DigestUnsupported", "digest",
    "have the client sign with SHA-256; SHA-1 is endpoints[].algorithms.sha1, MD5 is never taken"};
inline constexpr Reason kSignatureAlgorithm{
    FailInfo::kBadAlg, "SignatureAlgorithmUnsupported", "signature algorithm",
    "have the client sign with SHA-256 and RSA (PKCS #1 v1.5)"};
inline constexpr Reason kSignerKey{
    FailInfo::kBadAlg, "SignerKeyUnsupported", "signer's key",
    "have the client make an RSA key of 2048 bits or more with exponent 65537; EC keys (P-256, "
    "P-384, P-521) need endpoints[].algorithms.ec_password_recipient and a challenge that is used "
    "up"};
inline constexpr Reason kSignature{
    FailInfo::kBadMessageCheck, "SignatureInvalid", "signature",
    "something on the way changes messages (docs/proxies.md), or the client signs with another key "
    "than its certificate's"};
inline constexpr Reason kNoEnvelope{
    FailInfo::kBadRequest, "EnvelopeMissing", "envelope",
    "the client sends no request in its message: update it, or report it to its maker"};
inline constexpr Reason kEnvelope{
    FailInfo::kBadRequest, "EnvelopeMalformed", "envelope",
    "the client writes what RFC 5652 section 6 does not know: 'scepgate decode' on the message "
    "shows it; update the client, or report it to its maker"};
inline constexpr Reason kEnvelopeType{
    FailInfo::kBadRequest, "EnvelopeTypeUnsupported", "envelope type",
    "the client has to put an EnvelopedData into its message: update it, or report it to its "
    "maker"};
inline constexpr Reason kAuthenticatedEnvelope{
    FailInfo::kBadAlg, "EnvelopeTypeUnsupported", "envelope type",
    "set the client to a CBC cipher, such as AES-128-CBC, in place of GCM"};
inline constexpr Reason kSeveralRecipients{
    FailInfo::kBadRequest, "SeveralRecipients", "recipient",
    "have the client encrypt to one certificate of GetCACert alone, the one with keyEncipherment"};
inline constexpr Reason kRecipientType{
    FailInfo::kBadAlg, "RecipientTypeUnsupported", "recipient",
    "have the client encrypt to the RSA key of GetCACert's certificate with keyEncipherment"};
/// To the device, and by its code, the same as what does not open.
inline constexpr Reason kRecipient{FailInfo::kBadMessageCheck, "Undecryptable", "recipient",
                                   "the device encrypts to an old RA certificate, or to another "
                                   "endpoint's: let it fetch GetCACert "
                                   "again; keep keys that were replaced in previous_encryption"};
inline constexpr Reason kContent{
    FailInfo::kBadMessageCheck, "Undecryptable", "content",
    "let the device fetch GetCACert again and make a new request; if that does not help, look at "
    "its CSR with 'scepgate policy explain'"};
inline constexpr Reason kKeyUnavailable{
    FailInfo::kBadRequest, "KeyUnavailable", "key",
    "look at the token that holds the RA's encryption key: the server goes on by itself when it is "
    "back",
    kTemporary};
inline constexpr Reason kKeyTransport{
    FailInfo::kBadAlg, "KeyTransportUnsupported", "key transport",
    "have the client encrypt with RSA PKCS #1 v1.5, or with OAEP without a label"};
inline constexpr Reason kContentCipher{
    FailInfo::kBadAlg, "ContentCipherUnsupported", "content cipher",
    "have the client encrypt with AES-128-CBC, which GetCACaps offers; old ciphers are "
    "endpoints[].algorithms.des3 and des"};
inline constexpr Reason kEnvelopeTooLarge{FailInfo::kBadRequest, "EnvelopeTooLarge", "envelope",
                                          "no client needs a request of this size: look at what it "
                                          "puts into its CSR, or report it to its "
                                          "maker"};
inline constexpr Reason kRequest{
    FailInfo::kBadRequest, "CertificateRequestDecodingFailed", "certificate request",
    "correct the client's profile: 'scepgate policy explain' judges the CSR by itself"};
inline constexpr Reason kRenewalSigner{
    FailInfo::kBadRequest, "RenewalSignerUnknown", "signer",
    "have the client enrol anew (PKCSReq) with a challenge; for certificates of an earlier CA set "
    "endpoints[].renewal.previous_cas"};
inline constexpr Reason kSameKey{
    FailInfo::kBadRequest, "SignerKeyMismatch", "key",
    "the CSR's own key has to sign the message; a client that renews with a new key needs "
    "endpoints[].renewal and a certificate of this endpoint"};
inline constexpr Reason kKeyUsage{FailInfo::kBadRequest, "KeyUsageUnsupported", "key usage",
                                  "correct the key usage in the client's profile, or leave it out"};

}  // namespace scepgate::scep::reason
