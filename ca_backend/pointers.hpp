// The extensions that say where a CA's certificate, CRLs and OCSP answers are (RFC 5280).
#pragma once

#include <string>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::ca_backend {

/// kConfig: one of `urls` cannot stand in a certificate.
[[nodiscard]] Result<void> check_urls(const std::vector<std::string>& urls);

/// A CRLDistributionPoints (section 4.2.1.13) under `oid`, which can also be freshestCRL's: one
/// point, `urls` being several places of the same CRL. Empty without URLs.
[[nodiscard]] Bytes crl_distribution_points(ByteView oid, const std::vector<std::string>& urls);

/// AuthorityInfoAccessSyntax (section 4.2.2.1), in the order given. Empty without URLs.
[[nodiscard]] Bytes authority_info_access(const std::vector<std::string>& ocsp_urls,
                                          const std::vector<std::string>& ca_issuers_urls);

}  // namespace scepgate::ca_backend
