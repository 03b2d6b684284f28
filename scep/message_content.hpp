// What is inside an opened message: the request for a certificate, or what is asked after
// (RFC 8894 section 3.3).
//
// Each reader ends what did not open, and what cannot be read, in one and the same refusal after
// equal work, so that no message type tells anything about an envelope (attacks.md E06-E08).
#pragma once

#include "scep/pki_message.hpp"

namespace scepgate::scep {

/// A CA of the endpoint whose certificates can be renewed here: the current one, its predecessors
/// and its successor. The key is decoded once.
struct TrustedIssuer {
    certs::Certificate certificate;
    certs::PublicKey key;
};

/// Where a request came in.
struct RequestContext {
    std::string endpoint;
    std::string client_address;
    std::span<const TrustedIssuer> issuers;
};

/// Classifies a PKCSReq or RenewalReq: reads the CSR, whose own signature must verify, and decides
/// purpose and kind. Any other message type is badRequest "MessageTypeUnsupported".
///
/// A renewal is what is signed by a certificate of one of `issuers` (name and signature; validity,
/// revocation and right to renew are policy's), as RenewalReq or (macOS, Cisco) as PKCSReq: there
/// the CSR's key may be another. Any other RenewalReq is badRequest "RenewalSignerUnknown" (R:A17,
/// G01). Any other PKCSReq is initial: the signer's key must be the CSR's (E09), else badRequest
/// "SignerKeyMismatch".
///
/// A CSR whose signature does not verify is undecryptable(), as is all that is found wrong before;
/// names, attributes and extensions that cannot be taken are badRequest
/// "CertificateRequestDecodingFailed". Key usage that fits no purpose is badRequest
/// "KeyUsageUnsupported". An EC signer without a challenge is badAlg: see reply_recipient().
Result<EnrollmentRequest, Refusal> to_enrollment_request(const PkiMessage& message,
                                                         const RequestContext& context,
                                                         const AlgorithmRules& rules);

/// IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber CertificateSerialNumber }
/// (RFC 5652 section 10.2.4)
struct IssuerAndSerial {
    certs::Name issuer;  ///< never empty
    Bytes serial;        ///< unsigned big-endian, no leading zero octets; at most 32 octets

    /// By name as RFC 5280 matches them, and by number.
    [[nodiscard]] bool names(const certs::Certificate& certificate) const;
};

/// The content of a GetCert or GetCRL: strict DER. Another type's message is badRequest
/// "MessageTypeUnsupported".
///
/// Nothing vouches for these contents, unlike a CSR's signature: whoever sends one may have made it
/// of another one's ciphertext. So what cannot be read, an empty issuer included, is to the device
/// the same badCertId as what there is not: callers must refuse that with badCertId and nothing
/// else.
Result<IssuerAndSerial, Refusal> read_get_cert(const PkiMessage& message);
Result<IssuerAndSerial, Refusal> read_get_crl(const PkiMessage& message);

/// The same structure from octets (kMalformed), for the fuzz targets and for other protocols.
Result<IssuerAndSerial> parse_issuer_and_serial(ByteView der);

/// What a client writes into a CertPoll, whose content no server of ours opens (C09):
///   IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name }  (section 3.3.3)
/// Certificate::issuer_and_serial() is for the other two.
[[nodiscard]] Bytes encode_issuer_and_subject(const certs::Name& issuer,
                                              const certs::Name& subject);

}  // namespace scepgate::scep
