#include "server/doctor/judge_published.hpp"

#include <algorithm>

#include "certs/certificate_bundle.hpp"
#include "certs/clock.hpp"
#include "certs/crl.hpp"
#include "server/counted.hpp"

namespace scepgate::server::doctor {
namespace {

/// Clocks differ; verifiers allow for it.
constexpr std::int64_t kCrlClockSkew = 5 * 60;

Verdict failed(std::string came, std::string cause, Remedies remedies = {}) {
    return {Outcome::kFailed, std::move(came), std::move(cause), std::move(remedies)};
}

bool is_pem(ByteView body) {
    return as_text(body).substr(0, 64).find("-----BEGIN") != std::string_view::npos;
}

std::string quoted_subject(const certs::Certificate& certificate) {
    return '\'' + certificate.subject_text() + '\'';
}

Remedies new_copy(const std::string& keys) {
    return {{"scepgate", "serve it: " + keys},
            {"another web server",
             "the file of today at this URL, in place of the one that is "
             "there"}};
}

const std::string kCrlKeys =
    "cas.NAME.crl.path is the path of this URL; or write it there, with cas.NAME.crl.publish_to "
    "(docs/revocation.md)";
const std::string kCaKeys =
    "cas.NAME.certificate_path is the path of this URL; or write it there, with "
    "cas.NAME.crl.publish_certificate_to (docs/ca-urls.md)";

}  // namespace

Verdict judge_published_ca(ByteView body, const certs::Certificate& ca) {
    const auto found = certs::read_certificate_bundle(body);
    if (!found) {
        return failed("no certificate, " + counted(body.size(), "octet"),
                      "another file, or a page, is there: " + found.error().detail,
                      new_copy(kCaKeys));
    }
    const auto has = [&](const auto& test) {
        return std::any_of(found->begin(), found->end(), test);
    };
    const std::string came = "certificate of " + quoted_subject(found->front());
    if (has([&](const auto& each) { return each == ca; })) {
        if (!is_pem(body)) return {Outcome::kOk, came, "", {}};
        return failed(came + ", in PEM",
                      "verifiers want DER (RFC 5280 section 4.2.2.1), and most read nothing else",
                      {{"another web server", "openssl x509 -outform DER -in OLD -out NEW"}});
    }
    if (has([&](const auto& each) {
            return equal(each.spki(), ca.spki()) && equal(each.subject_der(), ca.subject_der());
        })) {
        return {Outcome::kWarning, came + " until " + certs::utc_text(found->front().not_after()),
                "it is another certificate of the CA's key: verifiers get along with it until it "
                "ends, but after a renewal the new one belongs there",
                new_copy(kCaKeys)};
    }
    return failed(came,
                  "it is not the CA's, which is " + quoted_subject(ca) +
                      ": whoever needs it to verify a device's certificate cannot",
                  new_copy(kCaKeys));
}

Verdict judge_published_crl(ByteView body, const certs::Certificate& ca, CrlKind kind,
                            std::int64_t now) {
    const bool wants_delta = kind == CrlKind::kDelta;
    const auto crl = certs::Crl::from_der(body, certs::CrlScope::kAny);
    if (!crl) {
        const std::string octets = counted(body.size(), "octet");
        if (is_pem(body)) {
            return failed("a CRL in PEM, " + octets,
                          "verifiers want DER (RFC 5280 section 4.2.1.13)",
                          {{"another web server", "openssl crl -outform DER -in OLD -out NEW"}});
        }
        return failed("no CRL, " + octets,
                      "another file, or a page, is there: " + crl.error().detail,
                      new_copy(kCrlKeys));
    }
    const std::string came = (crl->base_number() ? "delta CRL " : "CRL ") + to_hex(crl->number()) +
                             " until " + certs::utc_text(crl->next_update()) + ", " +
                             counted(crl->entries().size(), "certificate");
    const auto key = ca.public_key();
    if (!key) return failed(came, "the CA's own key cannot be read: " + key.error().detail);
    if (!equal(crl->issuer_der(), ca.subject_der()) || !crl->signed_by(*key)) {
        return failed(
            came,
            "it is not signed by " + quoted_subject(ca) +
                ": another CA's, or that of an earlier key. Verifiers do not take it, and "
                "refuse the certificates or do not know what was revoked",
            new_copy(kCrlKeys));
    }
    if (crl->base_number().has_value() != wants_delta) {
        return failed(came,
                      wants_delta ? "a complete CRL is at the place of deltas"
                                  : "a delta is at the place of complete CRLs: it lists a part of "
                                    "what was revoked",
                      new_copy(kCrlKeys));
    }
    if (crl->next_update() <= now) {
        return failed(came,
                      "it is over: verifiers refuse every certificate of this CA, or know nothing "
                      "of revocations. The server does not run, cannot publish (its log has 'not "
                      "published'), or a copy or a cache is not renewed",
                      new_copy(kCrlKeys));
    }
    if (crl->this_update() > now + kCrlClockSkew) {
        return failed(came,
                      "it begins in the future: the clock that made it is ahead, or this one's is "
                      "behind",
                      {{"the machine", "set its clock (timedatectl)"}});
    }
    return {Outcome::kOk, came, "", {}};
}

}  // namespace scepgate::server::doctor
