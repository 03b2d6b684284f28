// The client side of the protocol: bytes in, values out; whoever calls does the HTTP.
#pragma once

#include "scep/cert_rep.hpp"
#include "scep/message_content.hpp"

namespace scepgate::scep {

/// GetCACaps as a client reads it: no case, unknown words ignored, LF or CRLF (D05). SCEPStandard
/// sets what it promises: aes, sha256 and post (D02).
struct ServerCapabilities {
    bool aes = false, des3 = false, sha1 = false, sha256 = false, sha512 = false;
    bool post = false, renewal = false, standard = false, next_ca = false;
    /// The cipher and digest to use (D08): AES-128-CBC when offered, else 3DES; SHA-256 when
    /// offered, else SHA-512, else SHA-1.
    [[nodiscard]] certs::ContentCipher cipher() const noexcept;
    [[nodiscard]] certs::Digest digest() const noexcept;
    bool operator==(const ServerCapabilities&) const = default;
};
[[nodiscard]] ServerCapabilities parse_capabilities(std::string_view body);

/// GetCACert's answer sorted by role.
struct CaCertificates {
    certs::Certificate ca;                  ///< the issuing CA
    certs::Certificate signing;             ///< signs replies: RA, or the CA
    certs::Certificate encryption;          ///< requests are encrypted to it: RA, or the CA
    std::vector<certs::Certificate> chain;  ///< CA certificates, issuing CA first
};
/// Reads a single DER certificate or a degenerate SignedData, by looking, not by Content-Type
/// (K05). CA certificates are those with cA; the others are RAs, which one of the CAs must have
/// signed: the issuing one. An RA with digitalSignature signs, one with keyEncipherment decrypts,
/// one without key usage does both; what no RA does the issuing CA does. Without an RA the issuing
/// CA is the one that signed no other. Every RA certificate's signature, and each CA's by the next
/// in `chain`, is verified (else kBadSignature); those in use must be valid at `now` (else kDenied,
/// A08). CA certificates that lead nowhere are left out.
Result<CaCertificates> parse_ca_certificates(ByteView body, std::int64_t now);

/// GetNextCACert's answer: signed by the current CA or its RA, as trusted now (E19). The CA
/// certificates of its content, in the order sent; at least one. kBadSignature: another signer, or
/// not as signed. kMalformed, kUnsupported: the rest.
Result<std::vector<certs::Certificate>> parse_next_ca_certificates(
    ByteView body, const CaCertificates& current, const certs::KeyLimits& limits = {});

/// A message to send.
struct ClientRequest {
    MessageType type = MessageType::kPkcsReq;
    std::string transaction_id;  ///< of a CertPoll: the request's that it asks after
    Bytes sender_nonce;          ///< 16 octets, new for each message
    /// What goes into the envelope. PKCSReq, RenewalReq: the CSR. CertPoll:
    /// encode_issuer_and_subject(). GetCert: issuer_and_serial() of the certificate asked for;
    /// GetCRL: of one whose issuer's CRL is asked for.
    Bytes content;
    certs::Certificate signer;  ///< transient self-signed, or an issued one: the one to renew
    certs::PrivateKey signer_key;
    certs::Certificate recipient;  ///< CaCertificates::encryption
    certs::ContentCipher cipher = certs::ContentCipher::kAes128Cbc;
    certs::Digest digest = certs::Digest::kSha256;
    std::optional<certs::Digest> oaep;  ///< key transport with RSAES-OAEP instead of PKCS#1 v1.5
    std::int64_t now = 0;
    certs::KeyLimits key_limits;  ///< of the CA's keys and of what it issues
    /// Reads a reply in single DES, which is all that some servers write. Never for a real device.
    bool des_reply = false;
    /// The CSR's challenge: opens the reply when the signer's key is EC.
    std::shared_ptr<const Secret> password;
};
Result<Bytes> encode_request(const ClientRequest& request);

/// A transient self-signed certificate for an initial request (section 2.3): the CSR's subject and
/// key, digitalSignature and (RSA) keyEncipherment, valid from now - 1 day for 30 days.
Result<certs::Certificate> transient_certificate(const certs::Name& subject,
                                                 const certs::PrivateKey& key, std::int64_t now);

/// For a new operation (section 3.2.1.1): 128 random bits in hex. Retries and polls keep theirs.
[[nodiscard]] std::string new_transaction_id();

/// What every reply says.
struct ReplyStatus {
    PkiStatus status{};
    std::optional<FailInfo> fail_info;  ///< of a FAILURE
    std::string fail_info_text;         ///< readable, or ""
};
struct CertReply : ReplyStatus {
    certs::Certificate certificate;  ///< SUCCESS: the one asked for (K03)
    std::vector<certs::Certificate> others;
};
struct CrlReply : ReplyStatus {
    Bytes crl;  ///< SUCCESS: DER; Crl::from_der() takes it
};

/// Verifies and opens a CertRep to a PKCSReq, RenewalReq or CertPoll: signed by `ca.signing` (never
/// "whatever is in the bag", K01), type 3, our transactionID and nonce, known status; decrypted
/// with the request's signer key (K04), or with its password when that key is EC; the certificate
/// holds `csr_key`, and is not `request.signer` again.
/// kBadSignature: another signer, or not as signed. kConflict: not to this request, not to our
/// certificate, or not for our key. kUnsupported: algorithms, single DES among them. kMalformed:
/// the rest, an envelope that does not open included.
Result<CertReply> decode_reply(ByteView body, const ClientRequest& request,
                               const CaCertificates& ca, const certs::PublicKey& csr_key);
/// The same for a GetCert: the certificate is the one of `request.content`.
Result<CertReply> decode_get_cert_reply(ByteView body, const ClientRequest& request,
                                        const CaCertificates& ca);
/// The same for a GetCRL: one CRL, by name and signature `issuer`'s, or `ca.ca`'s when that is null
/// (else kBadSignature).
Result<CrlReply> decode_get_crl_reply(ByteView body, const ClientRequest& request,
                                      const CaCertificates& ca,
                                      const certs::Certificate* issuer = nullptr);

}  // namespace scepgate::scep
