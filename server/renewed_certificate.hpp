// What the renewal rule has to know of the certificate that asks for its renewal.
#pragma once

#include "ca_backend/store.hpp"
#include "server/runtime.hpp"

namespace scepgate::server {

/// What the store knows of the certificate that signed. Empty: nothing, not this very certificate.
/// `endpoint` has a renewal rule.
[[nodiscard]] Result<std::optional<policy::RenewedCertificate>> find_renewed(
    ca_backend::Store& store, const Endpoint& endpoint, const certs::Certificate& signer);

/// The template that a renewal is judged by and gets: the old certificate's, where that is one of
/// the endpoint's for this purpose, else the endpoint's first.
[[nodiscard]] const std::string& template_of_renewal(
    const Endpoint& endpoint, certs::Purpose purpose,
    const std::optional<policy::RenewedCertificate>& known);

}  // namespace scepgate::server
