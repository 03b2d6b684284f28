#include "server/doctor/judge_tls.hpp"

#include <algorithm>

#include <openssl/x509_vfy.h>

#include "certs/clock.hpp"
#include "server/doctor/remedies.hpp"

namespace scepgate::server::doctor {
namespace {

constexpr std::int64_t kSoonSeconds = 30LL * 24 * 60 * 60;
constexpr std::string_view kHello = "a TLS handshake";

bool is_of_time(long error) {
    return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
}

std::string quoted(const std::string& text) {
    return '\'' + text + '\'';
}

/// The first of the verified chain, below its root, that the server did not send.
const certs::Certificate* not_sent(const TlsView& view) {
    for (std::size_t at = 0; at + 1 < view.verified.size(); ++at) {
        const auto& each = view.verified[at];
        if (std::find(view.sent.begin(), view.sent.end(), each) == view.sent.end()) return &each;
    }
    return nullptr;
}

Finding of_handshake(std::string id) {
    Finding finding;
    finding.id = std::move(id);
    finding.sent = kHello;
    return finding;
}

}  // namespace

Finding judge_handshake(const TlsView& view) {
    Finding finding = of_handshake("tls-handshake");
    finding.came = view.text;
    if (view.done) return finding;
    finding.outcome = Outcome::kFailed;
    finding.cause = view.asked_for_certificate
                        ? "it wants a client certificate, which no device has before it is enrolled"
                        : "is it http that is spoken on this port, or does the proxy know no "
                          "certificate for this name (SNI)?";
    if (view.asked_for_certificate) finding.remedies = remedies_for(Fault::kClientCertificate);
    return finding;
}

Finding judge_chain(const TlsView& view) {
    Finding finding = of_handshake("tls-chain");
    if (view.sent.empty()) {
        finding.outcome = Outcome::kFailed;
        finding.came = "no certificate";
        return finding;
    }
    const certs::Certificate& last = view.sent.back();
    finding.came = std::to_string(view.sent.size()) + " certificate(s), the last " +
                   quoted(last.subject_text()) + " issued by " + quoted(last.issuer_text());
    const certs::Certificate* missing = not_sent(view);
    if (view.verify_error != X509_V_OK && !is_of_time(view.verify_error)) {
        finding.outcome = Outcome::kFailed;
        finding.came += ": " + view.verify_text;
        if (view.verify_error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
            view.verify_error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE) {
            finding.cause = quoted(last.issuer_text()) +
                            " is neither sent nor trusted here: an intermediate certificate is "
                            "missing from what the proxy sends, or it is a private CA whose root "
                            "--ca FILE names";
        } else {
            finding.cause =
                "a root that devices do not trust: they need one from a CA that they "
                "know, or this root installed; here --ca FILE names it";
        }
        finding.remedies = remedies_for(Fault::kTlsChain);
    } else if (missing != nullptr) {
        finding.outcome = Outcome::kFailed;
        finding.came += "; " + quoted(missing->subject_text()) + " is not among them";
        finding.cause =
            "the intermediate is known to this machine alone: devices cannot build the "
            "chain (Android does not look for it)";
        finding.remedies = remedies_for(Fault::kTlsChain);
    }
    return finding;
}

Finding judge_name(const TlsView& view, const std::string& host) {
    Finding finding = of_handshake("tls-name");
    finding.came = view.sent.empty() ? "no certificate"
                                     : "a certificate of " + quoted(view.sent[0].subject_text());
    finding.came += (view.name_fits ? " for " : " that is not for ") + quoted(host);
    if (view.name_fits) return finding;
    finding.outcome = Outcome::kFailed;
    finding.cause =
        "its subjectAltName does not hold this name: devices stop. The URL's host is "
        "wrong, or the proxy answers with another site's certificate";
    finding.remedies = remedies_for(Fault::kTlsName);
    return finding;
}

Finding judge_validity(const TlsView& view, std::int64_t now) {
    Finding finding = of_handshake("tls-validity");
    // One that nobody needs may be sent, too.
    const auto& chain = view.verified.empty() ? view.sent : view.verified;
    const auto first = std::min_element(
        chain.begin(), chain.end(),
        [](const auto& left, const auto& right) { return left.not_after() < right.not_after(); });
    if (first == chain.end()) {
        finding.outcome = Outcome::kFailed;
        finding.came = "no certificate";
        return finding;
    }
    finding.came = quoted(first->subject_text()) +
                   " is the first to end: " + certs::utc_text(first->not_after());
    const auto early = std::find_if(chain.begin(), chain.end(),
                                    [&](const auto& each) { return now < each.not_before(); });
    if (early != chain.end()) {
        finding.outcome = Outcome::kFailed;
        finding.came = quoted(early->subject_text()) + " begins only at " +
                       certs::utc_text(early->not_before());
        finding.cause = "is the clock of this machine right?";
    } else if (first->not_after() < now) {
        finding.outcome = Outcome::kFailed;
        finding.cause = "it has expired";
    } else if (first->not_after() < now + kSoonSeconds) {
        finding.outcome = Outcome::kWarning;
        finding.cause = "it ends within 30 days";
    }
    if (finding.outcome != Outcome::kOk) finding.remedies = remedies_for(Fault::kTlsValidity);
    return finding;
}

Finding judge_client_certificate(const TlsView& view) {
    Finding finding = of_handshake("tls-client-certificate");
    finding.came =
        view.asked_for_certificate ? "a client certificate is asked for" : "none asked for";
    if (!view.asked_for_certificate) return finding;
    finding.outcome = Outcome::kFailed;
    finding.cause =
        "a device has none before it is enrolled; macOS offers one on renewal and fails";
    finding.remedies = remedies_for(Fault::kClientCertificate);
    return finding;
}

Finding judge_tls_1_2(const TlsView& view) {
    Finding finding = of_handshake("tls-1.2");
    finding.sent = "a TLS handshake with 1.2 at most";
    finding.came = view.text;
    if (view.done) return finding;
    finding.outcome = Outcome::kFailed;
    finding.cause = "TLS 1.2 is switched off: Windows' SCEP client uses nothing newer";
    finding.remedies = remedies_for(Fault::kTls12);
    return finding;
}

}  // namespace scepgate::server::doctor
