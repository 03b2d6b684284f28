#include "server/renewed_certificate.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

using certs::Purpose;

bool has_template(const Endpoint& endpoint, Purpose purpose, const std::string& name) {
    return !name.empty() && endpoint.template_for(purpose, name) == name;
}

/// The purpose that the endpoint has a template for: one of `preferred`, or any other.
std::optional<Purpose> purpose_of_template(const Endpoint& endpoint, const std::string& name,
                                           std::vector<Purpose> preferred) {
    preferred.insert(preferred.end(),
                     {Purpose::kGeneralPurpose, Purpose::kSignature, Purpose::kEncryption});
    for (const Purpose purpose : preferred) {
        if (has_template(endpoint, purpose, name)) return purpose;
    }
    return std::nullopt;
}

/// Under which templates the same may have been issued: another one where it was renamed.
std::vector<std::string> templates_alike(const Endpoint& endpoint, const certs::Certificate& signer,
                                         const std::string& template_name) {
    std::vector<std::string> alike{template_name};
    if (purpose_of_template(endpoint, template_name, {})) return alike;
    const auto usage = signer.key_usage();
    if (!usage) return alike;
    const auto purpose = certs::purpose_of(*usage);
    if (!purpose) return alike;
    alike.push_back(endpoint.template_for(*purpose));
    const auto key = signer.public_key();
    // It lacks keyEncipherment under whatever template.
    if (key && key->type() == certs::KeyType::kEc && *purpose == Purpose::kSignature)
        alike.push_back(endpoint.template_for(Purpose::kGeneralPurpose));
    return alike;
}

/// A CA that was renewed under its name has several certificates: it ended with one of them, or
/// outlasts them all.
bool is_cut_short(const Endpoint& endpoint, const certs::Certificate& signer) {
    std::int64_t latest = 0;
    for (const scep::TrustedIssuer& issuer : endpoint.issuers) {
        if (!equal(issuer.certificate.subject_der(), signer.issuer_der())) continue;
        if (issuer.certificate.not_after() == signer.not_after()) return true;
        latest = std::max(latest, issuer.certificate.not_after());
    }
    return signer.not_after() >= latest;
}

void add_issuer(std::vector<ByteView>& all, ByteView name) {
    const bool there =
        std::any_of(all.begin(), all.end(), [&](ByteView each) { return equal(each, name); });
    if (!there) all.push_back(name);
}

/// Of this endpoint, and whoever issued these.
std::vector<ByteView> issuers_alike(const Endpoint& endpoint,
                                    std::initializer_list<const certs::Certificate*> issued) {
    std::vector<ByteView> all;
    for (const certs::Certificate* one : issued)
        add_issuer(all, one->issuer_der());
    for (const scep::TrustedIssuer& issuer : endpoint.issuers)
        add_issuer(all, issuer.certificate.subject_der());
    return all;
}

/// The names of `certificate` under each of these issuers and templates; each once.
void add_identities(std::vector<ca_backend::Identity>& all, const std::vector<ByteView>& issuers,
                    const certs::Certificate& certificate,
                    const std::vector<std::string>& templates) {
    for (const ByteView issuer : issuers) {
        for (const std::string& name : templates) {
            const auto identity = ca_backend::identity_of(issuer, certificate, name);
            if (std::find(all.begin(), all.end(), identity) == all.end()) all.push_back(identity);
        }
    }
}

}  // namespace

Result<bool> is_superseded(ca_backend::Store& store, const Endpoint& endpoint,
                           const certs::Certificate& signer,
                           const ca_backend::CertificateRow& row) {
    std::vector<ca_backend::Identity> own;
    add_identities(own, issuers_alike(endpoint, {&signer}), signer,
                   templates_alike(endpoint, signer, row.template_name));
    for (const ca_backend::Identity& identity : own) {
        const auto newest = store.newest_of_identity(identity);
        if (!newest) return newest.error();
        if (*newest && (*newest)->id > row.id) return true;
    }
    return false;
}

Result<std::vector<ca_backend::Identity>> names_of_renewal(ca_backend::Store& store,
                                                           const Endpoint& endpoint,
                                                           const certs::Certificate& signer,
                                                           const certs::Certificate& made,
                                                           const std::string& template_name) {
    const auto row = store.find_certificate(ca_backend::certificate_id(signer));
    if (!row) return row.error();
    const auto issuers = issuers_alike(endpoint, {&signer, &made});
    std::vector<std::string> templates;
    if (*row) templates = templates_alike(endpoint, signer, (*row)->template_name);
    std::vector<ca_backend::Identity> all;
    add_identities(all, issuers, signer, templates);
    templates.push_back(template_name);
    add_identities(all, issuers, made, templates);
    return all;
}

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
    known.cut_short = is_cut_short(endpoint, signer);
    if (endpoint.renewal->newest_only) {
        const auto superseded = is_superseded(store, endpoint, signer, **row);
        if (!superseded) return superseded.error();
        known.superseded = *superseded;
    }
    return std::optional(std::move(known));
}

policy::RenewalTemplate template_of_renewal(
    const Endpoint& endpoint, const EnrollmentRequest& request,
    const std::optional<policy::RenewedCertificate>& known) {
    if (known) {
        std::vector<Purpose> preferred{request.purpose};
        if (const auto usage = request.signer.key_usage()) {
            if (const auto copied = certs::purpose_of(*usage)) preferred.push_back(*copied);
        }
        const auto purpose = purpose_of_template(endpoint, known->template_name, preferred);
        if (purpose) return {known->template_name, *purpose};
    }
    return {endpoint.template_for(request.purpose), request.purpose};
}

void set_template(EnrollmentRequest& request, const policy::RenewalTemplate& tmpl) {
    request.purpose = tmpl.purpose;
    request.template_name = tmpl.name;
}

}  // namespace scepgate::server
