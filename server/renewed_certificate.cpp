#include "server/renewed_certificate.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

bool has_template(const Endpoint& endpoint, const std::string& name) {
    if (std::find(endpoint.templates.begin(), endpoint.templates.end(), name) !=
        endpoint.templates.end()) {
        return true;
    }
    return std::any_of(endpoint.other_templates.begin(), endpoint.other_templates.end(),
                       [&](const auto& others) { return others.contains(name); });
}

/// Under which templates the same may have been issued: another one where it was renamed.
std::vector<std::string> templates_alike(const Endpoint& endpoint, const certs::Certificate& signer,
                                         const std::string& template_name) {
    std::vector<std::string> alike{template_name};
    if (has_template(endpoint, template_name)) return alike;
    const auto usage = signer.key_usage();
    if (!usage) return alike;
    if (const auto purpose = certs::purpose_of(*usage))
        alike.push_back(endpoint.template_for(*purpose));
    return alike;
}

/// The subject as it is, and as it is certified since: earlier releases left strings alone that are
/// mended now.
std::vector<Bytes> subjects_alike(const certs::Certificate& signer) {
    std::vector<Bytes> alike{to_bytes(signer.subject_der())};
    auto name = certs::Name::from_der(signer.subject_der());
    if (!name) return alike;
    const certs::Name mended = certs::in_legal_form(*std::move(name));
    if (!equal(mended.der(), alike.front())) alike.push_back(mended.der());
    return alike;
}

/// Whether one for the same was issued after `signer`, by whichever CA of the endpoint. One that is
/// revoked or over counts: taking it back makes no older one good again.
Result<bool> is_superseded(ca_backend::Store& store, const Endpoint& endpoint,
                           const certs::Certificate& signer,
                           const ca_backend::CertificateRow& row) {
    std::vector<ByteView> issuers{signer.issuer_der()};
    for (const scep::TrustedIssuer& issuer : endpoint.issuers) {
        const ByteView name = issuer.certificate.subject_der();
        const bool there = std::any_of(issuers.begin(), issuers.end(),
                                       [&](ByteView each) { return equal(each, name); });
        if (!there) issuers.push_back(name);
    }
    const Sha256 own = ca_backend::identity_hash(signer, row.template_name);
    const auto subjects = subjects_alike(signer);
    for (const ByteView issuer : issuers) {
        for (const std::string& name : templates_alike(endpoint, signer, row.template_name)) {
            for (const Bytes& subject : subjects) {
                const Sha256 identity = ca_backend::identity_hash(issuer, subject, signer, name);
                const auto newest = store.newest_of_identity(identity);
                if (!newest) return newest.error();
                if (!*newest || equal((*newest)->der, signer.der())) continue;
                if (identity == own || (*newest)->issued_at > row.issued_at) return true;
            }
        }
    }
    return false;
}

}  // namespace

Result<std::optional<policy::RenewedCertificate>> find_renewed(ca_backend::Store& store,
                                                               const Endpoint& endpoint,
                                                               const certs::Certificate& signer) {
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
    known.max_validity = (*row)->max_validity;
    known.revoked = (*row)->revocation.has_value();
    for (const scep::TrustedIssuer& issuer : endpoint.issuers) {
        if (equal(issuer.certificate.subject_der(), signer.issuer_der())) {
            known.issuer_not_after =
                std::max(known.issuer_not_after, issuer.certificate.not_after());
        }
    }
    if (endpoint.renewal->newest_only) {
        const auto superseded = is_superseded(store, endpoint, signer, **row);
        if (!superseded) return superseded.error();
        known.superseded = *superseded;
    }
    return std::optional(std::move(known));
}

const std::string& template_of_renewal(const Endpoint& endpoint, certs::Purpose purpose,
                                       const std::optional<policy::RenewedCertificate>& known) {
    return endpoint.template_for(purpose, known ? known->template_name : std::string());
}

}  // namespace scepgate::server
