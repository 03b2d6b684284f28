// The answers that are the same for everybody: GetCACaps, GetCACert and GetNextCACert (RFC 8894
// sections 3.5, 4.2, 4.7).
#pragma once

#include "scep/cert_rep.hpp"

namespace scepgate::scep {

/// A body with its exact Content-Type (never with a charset).
struct StaticReply {
    std::string_view content_type;
    Bytes body;
};

/// What GetCACaps lists beside what every endpoint does.
struct Capabilities {
    AlgorithmRules algorithms;
    bool renewal = false;  ///< RenewalReq and PKCSReq signed by an issued certificate both work
    bool next_ca = false;  ///< there is a next CA certificate
};

/// One keyword a line, everything listed explicitly (AES, SHA-256, SHA-384, SHA-512,
/// POSTPKIOperation, SCEPStandard; DES3, SHA-1, Renewal, GetNextCACert when they work): some
/// clients read no implication into SCEPStandard (D01–D03).
[[nodiscard]] StaticReply ca_capabilities(const Capabilities& capabilities);

/// One certificate: the bare DER, application/x-x509-ca-cert (E09).
[[nodiscard]] StaticReply ca_certificate(const certs::Certificate& ca);

/// RA mode: RA signing, RA encryption, issuing CA … root as degenerate SignedData,
/// application/x-x509-ca-ra-cert (E10). When both RA certificates are one it stands once.
[[nodiscard]] StaticReply ra_certificates(const std::vector<certs::Certificate>& bundle);

/// GetNextCACert: `next` (the CA's next certificate first) as degenerate SignedData, which is the
/// content of a SignedData signed by `current`, the current CA's or RA's key;
/// application/x-x509-next-ca-cert (E20). One client reads the outer certificates instead of the
/// content, so `next` stands there too, after the signer's.
Result<StaticReply> next_ca_certificates(const std::vector<certs::Certificate>& next,
                                         const ReplySigner& current, std::int64_t now);

}  // namespace scepgate::scep
