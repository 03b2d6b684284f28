// Pages of certificates for people, at a cost that does not grow with the table.
#pragma once

#include "ca_backend/certificate_list.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

/// Statements are prepared on each call. kMalformed: CertificateFilter::after.
Result<CertificatePage> list_certificates(Connection& connection, const CertificateFilter& filter);

/// Every SELECT that such a call may run, for tests that look at how an engine would do them.
[[nodiscard]] std::vector<std::string> statements_of_list(const CertificateFilter& filter);

}  // namespace scepgate::ca_backend::sql
