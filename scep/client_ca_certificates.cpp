// GetCACert as a client reads it: which certificate plays which part.
#include "certs/ber.hpp"
#include "certs/clock.hpp"
#include "certs/cms_signed_data.hpp"
#include "certs/oids.hpp"
#include "scep/client.hpp"

namespace scepgate::scep {
namespace {

using certs::Certificate;
using certs::KeyUsageBit;

/// A CA certificate, and its key unless that is of a kind that we do not take.
struct Ca {
    Certificate certificate;
    Result<certs::PublicKey> key;
};

struct Bundle {
    std::vector<Ca> cas;
    std::vector<Certificate> ras;
};

Result<std::vector<Certificate>> read_certificates(ByteView body) {
    if (auto single = Certificate::from_der(body)) return std::vector{std::move(*single)};
    const auto der = certs::ber_to_der(body);
    if (!der) return in_context("GetCACert", der.error());
    auto data = certs::parse_signed_data(*der);
    if (!data) {
        return in_context("GetCACert's answer is neither a certificate nor a list of them",
                          data.error());
    }
    return std::move(data->certificates);
}

Result<Bundle> sort_by_kind(std::vector<Certificate> certificates) {
    Bundle bundle;
    for (Certificate& certificate : certificates) {
        const auto ca = certificate.is_ca();
        if (!ca) return in_context(certificate.subject_text(), ca.error());
        if (*ca) {
            auto key = certificate.public_key();
            bundle.cas.push_back({std::move(certificate), std::move(key)});
        } else {
            bundle.ras.push_back(std::move(certificate));
        }
    }
    if (bundle.cas.empty()) return malformed("GetCACert's answer has no CA certificate");
    return bundle;
}

bool issued(const Ca& issuer, const Certificate& certificate) {
    return issuer.key &&
           certs::same_name(issuer.certificate.subject_der(), certificate.issuer_der()) &&
           certificate.signed_by(*issuer.key);
}

/// Whether it stands above one of the others.
bool issued_another(const Ca& issuer, const std::vector<Ca>& cas) {
    return std::any_of(cas.begin(), cas.end(), [&](const Ca& other) {
        return other.certificate != issuer.certificate && issued(issuer, other.certificate);
    });
}

Result<const Ca*> find_issuing_ca(const Bundle& bundle) {
    if (!bundle.ras.empty()) {
        const Certificate& first = bundle.ras.front();
        for (const Ca& ca : bundle.cas) {
            if (issued(ca, first)) return &ca;
        }
        return Error{Errc::kBadSignature,
                     "none of the CA certificates signed the RA's, " + first.subject_text()};
    }
    const Ca* found = nullptr;
    for (const Ca& ca : bundle.cas) {
        if (issued_another(ca, bundle.cas)) continue;
        if (found != nullptr) {
            return malformed("two CA certificates that could both be the issuing one: " +
                             found->certificate.subject_text() + " and " +
                             ca.certificate.subject_text());
        }
        found = &ca;
    }
    if (found == nullptr) return malformed("CA certificates that signed each other");
    return found;
}

Result<void> check_validity(const Certificate& certificate, std::int64_t now) {
    if (certificate.not_before() <= now && now <= certificate.not_after()) return {};
    const bool over = certificate.not_after() < now;
    return Error{Errc::kDenied,
                 "'" + certificate.subject_text() + "' is not valid now: it " +
                     (over ? "expired at " + certs::utc_text(certificate.not_after())
                           : "begins at " + certs::utc_text(certificate.not_before())) +
                     ", and here it is " + certs::utc_text(now) +
                     ". If this clock is right, the server needs a new certificate"};
}

/// A certificate for other purposes, which each device of this CA has, must not pass for an RA's:
/// RFC 6402 names cmcRA, NDES's have the enrolment agent's, and many have no extended key usage.
Result<void> check_purpose(const Certificate& ra) {
    const auto usages = ra.extended_key_usage();
    if (!usages) return in_context(ra.subject_text(), usages.error());
    if (!*usages) return {};
    for (const ByteView usage :
         {ByteView(certs::oid::kEkuCmcRa), ByteView(certs::oid::kEkuEnrollmentAgent),
          ByteView(certs::oid::kEkuAny)}) {
        const auto is_usage = [usage](const Bytes& each) { return equal(each, usage); };
        if (std::any_of((*usages)->begin(), (*usages)->end(), is_usage)) return {};
    }
    return Error{Errc::kDenied, ra.subject_text() + " is no RA: its extended key usage is " +
                                    certs::to_text(**usages)};
}

Result<bool> may(const Certificate& ra, KeyUsageBit bit) {
    const auto usage = ra.key_usage();
    if (!usage) return in_context(ra.subject_text(), usage.error());
    return !*usage || (*usage)->has(bit);
}

/// The first RA with this usage that is valid, or the CA when no RA has it.
Result<Certificate> find_role(const Bundle& bundle, const Certificate& ca, KeyUsageBit bit,
                              std::int64_t now) {
    Result<void> fault;
    for (const Certificate& ra : bundle.ras) {
        const auto able = may(ra, bit);
        if (!able) return able.error();
        if (!*able) continue;
        const auto valid = check_validity(ra, now);
        if (valid) return ra;
        if (fault) fault = valid;
    }
    if (!fault) return fault.error();
    return ca;
}

/// From the issuing CA up, each signed by the next, as far as the certificates at hand go.
Result<std::vector<Certificate>> build_chain(const Bundle& bundle, const Ca& issuing,
                                             std::int64_t now) {
    std::vector<Certificate> chain;
    for (const Ca* next = &issuing; next != nullptr;) {
        const Certificate& current = next->certificate;
        if (const auto valid = check_validity(current, now); !valid) return valid.error();
        chain.push_back(current);
        next = nullptr;
        if (current.self_issued()) continue;
        for (const Ca& ca : bundle.cas) {
            const bool seen = std::find(chain.begin(), chain.end(), ca.certificate) != chain.end();
            if (!seen && issued(ca, current)) {
                next = &ca;
                break;
            }
        }
    }
    return chain;
}

}  // namespace

Result<CaCertificates> parse_ca_certificates(ByteView body, std::int64_t now) {
    auto certificates = read_certificates(body);
    if (!certificates) return certificates.error();
    const auto bundle = sort_by_kind(std::move(*certificates));
    if (!bundle) return bundle.error();
    const auto issuing = find_issuing_ca(*bundle);
    if (!issuing) return issuing.error();
    for (const Certificate& ra : bundle->ras) {
        if (!issued(**issuing, ra)) {
            return Error{Errc::kBadSignature, "the RA certificate " + ra.subject_text() +
                                                  " is not signed by the issuing CA"};
        }
        if (const auto purpose = check_purpose(ra); !purpose) return purpose.error();
    }

    auto chain = build_chain(*bundle, **issuing, now);
    if (!chain) return chain.error();
    const Certificate& ca = (*issuing)->certificate;
    auto signing = find_role(*bundle, ca, KeyUsageBit::kDigitalSignature, now);
    if (!signing) return signing.error();
    auto encryption = find_role(*bundle, ca, KeyUsageBit::kKeyEncipherment, now);
    if (!encryption) return encryption.error();
    return CaCertificates{ca, std::move(*signing), std::move(*encryption), std::move(*chain)};
}

}  // namespace scepgate::scep
