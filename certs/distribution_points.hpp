// Where CRLs are published: CRLDistributionPoints and IssuingDistributionPoint (RFC 5280 sections
// 4.2.1.13, 4.2.1.15, 5.2.5 and 5.2.6).
#pragma once

#include <string>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::certs {

/// What of its issuer's certificates a CRL covers, and where it is published.
struct IssuingDistributionPoint {
    std::vector<std::string> uris;        ///< fullName: all name the same CRL
    bool only_user_certificates = false;  ///< onlyContainsUserCerts
    bool only_ca_certificates = false;    ///< onlyContainsCACerts

    /// It names places alone: the CRL covers all that its issuer has given.
    [[nodiscard]] bool covers_all() const noexcept {
        return !only_user_certificates && !only_ca_certificates;
    }
    friend bool operator==(const IssuingDistributionPoint&,
                           const IssuingDistributionPoint&) = default;
};

/// The value of the extension. kMalformed: it says nothing at all (the RFC forbids an empty one),
/// it excludes every certificate, or a name is no URI.
[[nodiscard]] Result<Bytes> encode_issuing_distribution_point(
    const IssuingDistributionPoint& point);
/// kUnsupported: onlySomeReasons, indirectCRL, onlyContainsAttributeCerts, or a name relative to
/// the issuer. Names of other kinds than URI are left out.
[[nodiscard]] Result<IssuingDistributionPoint> parse_issuing_distribution_point(ByteView value);

/// The value of cRLDistributionPoints or freshestCRL: one point, which has all of `uris` (one at
/// least).
[[nodiscard]] Bytes encode_distribution_points(const std::vector<std::string>& uris);
/// All URIs of all points; other names, and points without one, are left out.
[[nodiscard]] Result<std::vector<std::string>> parse_distribution_points(ByteView value);

}  // namespace scepgate::certs
