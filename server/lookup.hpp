// GetCert and GetCRL (RFC 8894 sections 3.3.4, 4.5, 4.6).
#pragma once

#include "server/operation.hpp"

namespace scepgate::server {

class LookUp {
public:
    explicit LookUp(const ServiceParts& parts) : parts_(parts) {}

    /// A certificate that this endpoint issued, for the holder of its key. Anything else is
    /// "CertificateUnknown" (badCertId), whether or not it exists (T04).
    Outcome certificate(const Operation& operation) const;

    /// The CRL of this endpoint's CA. Refused: "CrlUnknownIssuer" (badCertId), "CrlUnsupported",
    /// "CrlUnavailable" (temporary).
    boost::asio::awaitable<Outcome> crl(const Operation& operation) const;

private:
    const ServiceParts& parts_;
};

}  // namespace scepgate::server
