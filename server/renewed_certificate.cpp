#include "server/renewed_certificate.hpp"

#include <algorithm>

namespace scepgate::server {

Result<std::optional<policy::RenewedCertificate>> find_renewed(ca_backend::Store& store,
                                                               const Endpoint& endpoint,
                                                               const certs::Certificate& signer,
                                                               std::int64_t now) {
    auto row = store.find_certificate(ca_backend::certificate_id(signer));
    if (!row) return row.error();
    if (!*row || !equal((*row)->der, signer.der())) {
        return std::optional<policy::RenewedCertificate>();
    }
    policy::RenewedCertificate known;
    known.endpoint = (*row)->endpoint;
    known.template_name = (*row)->template_name;
    known.device_id = (*row)->device_id;
    known.user_id = (*row)->user_id;
    known.issued_at = (*row)->issued_at;
    known.revoked = (*row)->revocation.has_value();
    for (const scep::TrustedIssuer& issuer : endpoint.issuers) {
        if (equal(issuer.certificate.subject_der(), signer.issuer_der())) {
            known.issuer_not_after =
                std::max(known.issuer_not_after, issuer.certificate.not_after());
        }
    }
    if (endpoint.renewal->newest_only) {
        auto newest = store.newest_of_identity(signer, known.template_name, now);
        if (!newest) return newest.error();
        known.superseded = *newest && !equal((*newest)->der, signer.der());
    }
    return std::optional(std::move(known));
}

const std::string& template_of_renewal(const Endpoint& endpoint, certs::Purpose purpose,
                                       const std::optional<policy::RenewedCertificate>& known) {
    return endpoint.template_for(purpose, known ? known->template_name : std::string());
}

}  // namespace scepgate::server
