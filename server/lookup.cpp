#include "server/lookup.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

Refusal unknown_certificate(const scep::IssuerAndSerial& asked, const char* why) {
    return refused(reason::kCertificateUnknown,
                   "one that this endpoint issued to the key that asks",
                   "serial " + to_hex(asked.serial) + " of " + asked.issuer.text() + ", " + why);
}

/// Whether a client's name means the one with this subject: in any encoding, with the RDNs in
/// either order (Java clients make names from printed text, last RDN first).
bool names(const certs::Name& name, const certs::Certificate& certificate) {
    const auto subject = certs::Name::from_der(certificate.subject_der());
    return subject && (matches(name, *subject) || matches_reversed(name, *subject));
}

bool names_one_of(const certs::Name& name, const std::vector<certs::Certificate>& certificates) {
    return std::any_of(certificates.begin(), certificates.end(),
                       [&](const auto& certificate) { return names(name, certificate); });
}

bool names_ra(const certs::Name& name, const Endpoint& endpoint) {
    return names(name, endpoint.signer.certificate) ||
           std::any_of(endpoint.recipients.begin(), endpoint.recipients.end(),
                       [&](const auto& key) { return names(name, key.certificate); });
}

/// The CA of this endpoint that a client means by its name for the issuer; null: none. That may be
/// the name of another certificate of GetCACert: C clients take the RA that signs the replies, or
/// the CA's own issuer, Java clients the root.
ca_backend::CaBackend* meant_ca(const certs::Name& name, const Endpoint& endpoint) {
    const auto& other = endpoint.counterpart;
    if (names(name, endpoint.ca->chain().front())) return endpoint.ca.get();
    if (other && names(name, other->ca->chain().front())) return other->ca.get();
    if (names_one_of(name, endpoint.ca->chain())) return endpoint.ca.get();
    if (other && (names_one_of(name, other->ca->chain()) || names_one_of(name, other->ra))) {
        return other->ca.get();
    }
    return names_ra(name, endpoint) ? endpoint.ca.get() : nullptr;
}

/// Whose certificates a client may mean: the issuer that it names comes first. The others of this
/// endpoint follow, because Java clients name the CA of today whatever CA issued the certificate.
std::vector<const certs::Certificate*> meant_issuers(const certs::Name& name,
                                                     const Endpoint& endpoint) {
    std::vector<const certs::Certificate*> meant;
    for (const scep::TrustedIssuer& issuer : endpoint.issuers)
        meant.push_back(&issuer.certificate);
    const auto others = std::stable_partition(
        meant.begin(), meant.end(), [&](const auto* issuer) { return names(name, *issuer); });
    if (others == meant.begin() && meant_ca(name, endpoint) == nullptr) meant.clear();
    return meant;
}

}  // namespace

Outcome LookUp::certificate(const Operation& operation) const {
    auto asked = scep::read_get_cert(operation.message);
    if (!asked) return asked.error();
    const char* why = "which it did not issue";
    for (const certs::Certificate* issuer : meant_issuers(asked->issuer, operation.endpoint)) {
        auto row = parts_.store->find_certificate(
            {ca_backend::issuer_hash(issuer->subject_der()), asked->serial});
        if (!row) return refused(reason::kStoreUnavailable, row.error().detail);
        if (!*row) continue;
        if ((*row)->endpoint != operation.endpoint.name) {
            why = "which another endpoint issued";
            continue;
        }
        auto found = certs::Certificate::from_der((*row)->der);
        if (!found) return refused(reason::kStoreUnavailable, found.error().detail);
        if (!equal(found->spki(), operation.message.signer_key().spki())) {
            why = "which has another key";
            continue;
        }
        auto recipient = scep::reply_recipient(operation.message);
        if (!recipient) return recipient.error();
        operation.record.code = "Success";
        return Answer(ReleasedCertificate{std::move(*found), std::move(*recipient)});
    }
    return unknown_certificate(*asked, why);
}

boost::asio::awaitable<Outcome> LookUp::crl(const Operation& operation) const {
    auto asked = scep::read_get_crl(operation.message);
    if (!asked) co_return asked.error();
    // Not the serial number: clients send the RA's, the CA's, or one of their own.
    ca_backend::CaBackend* ca = meant_ca(asked->issuer, operation.endpoint);
    if (ca == nullptr) {
        co_return refused(reason::kCrlUnknownIssuer,
                          operation.endpoint.ca->chain().front().subject_text(),
                          asked->issuer.text());
    }
    auto recipient = scep::reply_recipient(operation.message);
    if (!recipient) co_return recipient.error();
    auto crl = co_await ca->crl(*parts_.store, ca_backend::CrlWanted());
    if (!crl && crl.error().code == Errc::kUnsupported) {
        co_return refused(reason::kCrlUnsupported, crl.error().detail);
    }
    if (!crl) co_return refused(reason::kCrlUnavailable, crl.error().detail);
    if (const std::size_t octets = crl->der().size(); octets > kLargestCrl) {
        co_return refused(reason::kCrlTooLarge,
                          "at most " + std::to_string(kLargestCrl) + " octets",
                          std::to_string(octets) + " octets: it is at the distribution points");
    }
    operation.record.code = "Success";
    co_return Answer(ReleasedCrl{std::move(*crl), std::move(*recipient)});
}

}  // namespace scepgate::server
