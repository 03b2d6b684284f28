// The extensions of a certificate that its template decides.
#pragma once

#include "ca_backend/template.hpp"

namespace scepgate::ca_backend {

/// DER Extensions: key usage, extended key usage, Microsoft's template and application policies,
/// certificate policies; those that the plan and the template have.
[[nodiscard]] std::vector<Bytes> template_extensions(const Template& tmpl,
                                                     const CertificatePlan& plan);

}  // namespace scepgate::ca_backend
