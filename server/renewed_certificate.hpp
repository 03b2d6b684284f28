// What the renewal rule has to know of the certificate that asks for its renewal.
#pragma once

#include "ca_backend/store.hpp"
#include "server/runtime.hpp"

namespace scepgate::server {

/// What the store knows of the certificate that signed. Empty: nothing, not this very certificate.
/// `endpoint` has a renewal rule.
[[nodiscard]] Result<std::optional<policy::RenewedCertificate>> find_renewed(
    ca_backend::Store& store, const Endpoint& endpoint, const certs::Certificate& signer);

/// Whether one for the names of `signer` was recorded after it, by whichever CA of the endpoint.
/// One that is revoked or over counts: taking it back makes no older one good again. `row`: its
/// own.
[[nodiscard]] Result<bool> is_superseded(ca_backend::Store& store, const Endpoint& endpoint,
                                         const certs::Certificate& signer,
                                         const ca_backend::CertificateRow& row);

/// What the renewed certificate has to be the newest of when `made`, under this template, is
/// recorded in its place: of its own names, and of those that the template writes by now, which its
/// owner may have got with another one. Never empty.
[[nodiscard]] Result<std::vector<ca_backend::Identity>> names_of_renewal(
    ca_backend::Store& store, const Endpoint& endpoint, const certs::Certificate& signer,
    const certs::Certificate& made, const std::string& template_name);

/// The template that a renewal is judged by and gets: the old certificate's while that is one of
/// the endpoint's, for whatever purpose, or a CSR's key usage would choose it. Where it is gone,
/// the endpoint's first for the request's purpose.
[[nodiscard]] policy::RenewalTemplate template_of_renewal(
    const Endpoint& endpoint, const EnrollmentRequest& request,
    const std::optional<policy::RenewedCertificate>& known);

/// Whoever is asked about it afterwards is asked about the certificate that it can become.
void set_template(EnrollmentRequest& request, const policy::RenewalTemplate& tmpl);

}  // namespace scepgate::server
