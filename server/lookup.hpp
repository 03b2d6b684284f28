// GetCert and GetCRL (RFC 8894 sections 3.3.4, 4.5, 4.6).
#pragma once

#include "server/operation.hpp"

namespace scepgate::server {

/// Clients name the issuer in their own ways: the subject of any certificate of the endpoint's
/// chain or RA will do, in any encoding, its RDNs in either order; in a rollover the one CA for
/// certificates of the other. Nothing is lost by it: a certificate goes only to the holder of its
/// key, and a CRL is public. transactionIDs, which some clients send as a constant, are not looked
/// at.
class LookUp {
public:
    explicit LookUp(const ServiceParts& parts) : parts_(parts) {}

    /// A certificate that this endpoint issued, for the holder of its key. Anything else is
    /// "CertificateUnknown" (badCertId), whether or not it exists (T04).
    Outcome certificate(const Operation& operation) const;

    /// A larger CRL is for the distribution points (RFC 8894 section 3.3.4), which serve all from
    /// one copy: in a CertRep everybody gets a copy of their own, encrypted and signed.
    static constexpr std::size_t kLargestCrl = std::size_t{1024} * 1024;

    /// The CRL of this endpoint's CA, or of the one before or after it in a rollover. Refused:
    /// "CrlUnknownIssuer" (badCertId), "CrlUnsupported", "CrlTooLarge", "CrlUnavailable"
    /// (temporary).
    boost::asio::awaitable<Outcome> crl(const Operation& operation) const;

private:
    const ServiceParts& parts_;
};

}  // namespace scepgate::server
