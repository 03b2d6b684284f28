#include "server/lookup.hpp"

namespace scepgate::server {
namespace {

Refusal unknown_certificate() {
    return {FailInfo::kBadCertId, "CertificateUnknown",
            "this endpoint has issued no such certificate to the key that asks"};
}

/// Whether a client's name for the issuer, in whatever encoding, means this CA.
bool names_issuer(const certs::Name& name, const certs::Certificate& ca) {
    const auto subject = certs::Name::from_der(ca.subject_der());
    return subject && matches(name, *subject);
}

}  // namespace

Outcome LookUp::certificate(const Operation& operation) const {
    auto asked = scep::read_get_cert(operation.message);
    if (!asked) return asked.error();
    for (const scep::TrustedIssuer& issuer : operation.endpoint.issuers) {
        if (!names_issuer(asked->issuer, issuer.certificate)) continue;
        auto row = parts_.store->find_certificate(
            {ca_backend::issuer_hash(issuer.certificate.subject_der()), asked->serial});
        if (!row) return unavailable("StoreUnavailable", row.error().detail);
        if (!*row || (*row)->endpoint != operation.endpoint.name) continue;
        auto found = certs::Certificate::from_der((*row)->der);
        if (!found) return unavailable("StoreUnavailable", found.error().detail);
        if (!equal(found->spki(), operation.message.signer_key().spki())) continue;
        auto recipient = scep::reply_recipient(operation.message);
        if (!recipient) return recipient.error();
        operation.record.code = "Success";
        return Answer(ReleasedCertificate{std::move(*found), std::move(*recipient)});
    }
    return unknown_certificate();
}

boost::asio::awaitable<Outcome> LookUp::crl(const Operation& operation) const {
    auto asked = scep::read_get_crl(operation.message);
    if (!asked) co_return asked.error();
    ca_backend::CaBackend& ca = *operation.endpoint.ca;
    if (!names_issuer(asked->issuer, ca.chain().front())) {
        co_return Refusal{FailInfo::kBadCertId, "CrlUnknownIssuer",
                          "'" + asked->issuer.text() + "' is not the CA of this endpoint"};
    }
    auto recipient = scep::reply_recipient(operation.message);
    if (!recipient) co_return recipient.error();
    auto crl = co_await ca.crl(*parts_.store);
    if (!crl && crl.error().code == Errc::kUnsupported) {
        co_return Refusal{FailInfo::kBadRequest, "CrlUnsupported", crl.error().detail};
    }
    if (!crl) co_return unavailable("CrlUnavailable", crl.error().detail);
    operation.record.code = "Success";
    co_return Answer(ReleasedCrl{std::move(*crl), std::move(*recipient)});
}

}  // namespace scepgate::server
