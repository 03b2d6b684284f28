#include "server/doctor/judge_ca.hpp"

#include <algorithm>
#include <array>

#include "certs/asn1_string.hpp"
#include "certs/clock.hpp"
#include "server/doctor/judge_answer.hpp"

namespace scepgate::server::doctor {
namespace {

using certs::KeyUsageBit;

constexpr std::int64_t kAlmostOver = 30LL * 24 * 60 * 60;
constexpr std::string_view kOneCertificate = "application/x-x509-ca-cert";
constexpr std::string_view kSeveralCertificates = "application/x-x509-ca-ra-cert";

Finding finding_of(std::string id, std::string sent, std::string came) {
    Finding finding;
    finding.id = std::move(id);
    finding.sent = std::move(sent);
    finding.came = std::move(came);
    return finding;
}

void judge(Finding& finding, Outcome outcome, std::string cause, Remedies remedies = {}) {
    finding.outcome = outcome;
    finding.cause = std::move(cause);
    finding.remedies = std::move(remedies);
}

/// The type as it must be; a charset or another type is a fault.
void judge_type(Finding& finding, std::string_view type, std::string_view wanted, Outcome other) {
    if (type == wanted) return;
    const auto bare = type.substr(0, type.find_first_of("; "));
    if (certs::equal_ignoring_ascii_case(bare, wanted)) {
        judge(finding, Outcome::kFailed,
              "some clients compare the type literally with " + std::string(wanted) +
                  " and stop after GetCACert",
              remedies_for(Fault::kContentType));
    } else {
        judge(finding, other, "it should be " + std::string(wanted),
              remedies_for(Fault::kContentType));
    }
}

bool is_text_of_words(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\n' || c == '\r' || (c >= ' ' && c <= '~'); });
}

bool is_single(const Reply& reply) {
    return bool(certs::Certificate::from_der(reply.body));
}

std::string named(const certs::Certificate& certificate) {
    return '\'' + certificate.subject_text() + '\'';
}

bool can(const certs::Certificate& certificate, KeyUsageBit bit) {
    const auto usage = certificate.key_usage();
    return usage && *usage && (*usage)->has(bit);
}

}  // namespace

Finding judge_capabilities_type(const Reply& reply) {
    Finding finding = finding_of("capabilities-type", "GET operation=GetCACaps", in_words(reply));
    if (const auto obstacle = obstacle_in(reply)) {
        judge(finding, Outcome::kFailed, obstacle->cause, obstacle->remedies);
    } else {
        judge_type(finding, reply.content_type(), "text/plain", Outcome::kWarning);
    }
    return finding;
}

Finding judge_capabilities(const Reply& reply) {
    const auto caps = scep::parse_capabilities(reply.text());
    Finding finding = finding_of("capabilities", "GET operation=GetCACaps", "");
    std::string missing;
    const std::pair<const char*, bool> known[] = {{"AES", caps.aes},
                                                  {"SHA-256", caps.sha256},
                                                  {"POSTPKIOperation", caps.post},
                                                  {"Renewal", caps.renewal},
                                                  {"DES3", caps.des3},
                                                  {"SHA-512", caps.sha512},
                                                  {"SCEPStandard", caps.standard}};
    for (std::size_t at = 0; at < std::size(known); ++at) {
        const auto& [word, there] = known[at];
        if (there) finding.came += (finding.came.empty() ? "" : " ") + std::string(word);
        if (!there && at < 3) missing += (missing.empty() ? "" : ", ") + std::string(word);
    }
    if (!is_text_of_words(reply.text())) {
        judge(finding, Outcome::kFailed,
              "the body is no plain text: something in between changes it",
              remedies_for(Fault::kRewrittenBody));
    } else if (caps == scep::ServerCapabilities{}) {
        finding.came = "no word that is known";
        judge(finding, Outcome::kFailed,
              "clients take it for an old server and use 3DES, SHA-1 and GET, or stop");
    } else if (!missing.empty()) {
        judge(finding, Outcome::kWarning,
              "not offered: " + missing +
                  (caps.post ? "" : "; without POSTPKIOperation each message is a long GET"));
    }
    return finding;
}

Finding judge_ca_type(const Reply& reply) {
    Finding finding = finding_of("ca-type", "GET operation=GetCACert", in_words(reply));
    if (const auto obstacle = obstacle_in(reply)) {
        judge(finding, Outcome::kFailed, obstacle->cause, obstacle->remedies);
        return finding;
    }
    if (scep::parse_capabilities(reply.text()) != scep::ServerCapabilities{}) {
        judge(finding, Outcome::kFailed,
              "the answer to GetCACaps came: a cache in between leaves the query out of its key",
              remedies_for(Fault::kCaching));
        return finding;
    }
    judge_type(finding, reply.content_type(),
               is_single(reply) ? kOneCertificate : kSeveralCertificates, Outcome::kFailed);
    return finding;
}

Finding judge_ca_bundle(const Reply& reply, const Result<scep::CaCertificates>& parsed) {
    Finding finding = finding_of("ca-bundle", "GET operation=GetCACert", in_words(reply));
    if (parsed) {
        finding.came = "CA " + named(parsed->ca) + ", SHA-256 " + to_hex(parsed->ca.fingerprint()) +
                       "; replies signed by " + named(parsed->signing) + ", requests to " +
                       named(parsed->encryption);
        return finding;
    }
    const Error& error = parsed.error();
    if (error.code == Errc::kMalformed) {
        judge(finding, Outcome::kFailed,
              error.detail + ": not what a SCEP server sends, or changed in between",
              remedies_for(Fault::kRewrittenBody));
    } else {
        judge(finding, Outcome::kFailed, error.detail);
    }
    return finding;
}

Finding judge_ca_root(const Reply& reply, const scep::CaCertificates& ca) {
    const certs::Certificate& last = ca.chain.back();
    Finding finding =
        finding_of("ca-root", "GET operation=GetCACert",
                   "a chain of " + std::to_string(ca.chain.size()) + " up to " + named(last));
    if (last.self_issued()) return finding;
    judge(finding, is_single(reply) ? Outcome::kWarning : Outcome::kFailed,
          "the root is missing: Windows compares the profile's CA thumbprint with the root among "
          "these",
          {{"the SCEP server", "RA certificates, issuing CA … root in GetCACert"}});
    return finding;
}

Finding judge_ca_usages(const Reply& reply, const scep::CaCertificates& ca) {
    Finding finding = finding_of("ca-usages", "GET operation=GetCACert", "");
    if (ca.signing == ca.ca && ca.encryption == ca.ca) {
        finding.came = "no RA certificates";
        if (!is_single(reply)) {
            judge(finding, Outcome::kFailed,
                  "a list without RA certificates: Apple devices stop (-67731)",
                  {{"the SCEP server",
                    "the one CA certificate as DER, or RA certificates in the "
                    "list"}});
        } else if (!can(ca.ca, KeyUsageBit::kDigitalSignature) ||
                   !can(ca.ca, KeyUsageBit::kKeyEncipherment)) {
            judge(finding, Outcome::kWarning,
                  "the CA's certificate takes SCEP messages itself, but its key usage lacks "
                  "digitalSignature or keyEncipherment, which some clients look for",
                  {{"the SCEP server", "RA certificates, or a CA certificate with both"}});
        }
        return finding;
    }
    finding.came = "RA certificates " + named(ca.signing) + " and " + named(ca.encryption);
    if (!can(ca.signing, KeyUsageBit::kDigitalSignature) ||
        !can(ca.encryption, KeyUsageBit::kKeyEncipherment)) {
        judge(finding, Outcome::kFailed,
              "RA certificates need digitalSignature (signs replies) and keyEncipherment (requests "
              "are encrypted to it): without, Windows stops after GetCACert (0x8010002c) and macOS "
              "picks the wrong one",
              {{"the SCEP server", "new RA certificates with these key usages"}});
    }
    return finding;
}

Finding judge_ca_validity(const scep::CaCertificates& ca, std::int64_t now) {
    std::vector<const certs::Certificate*> all{&ca.signing, &ca.encryption};
    for (const auto& each : ca.chain)
        all.push_back(&each);
    const auto* first = *std::min_element(all.begin(), all.end(), [](const auto* a, const auto* b) {
        return a->not_after() < b->not_after();
    });
    Finding finding =
        finding_of("ca-validity", "GET operation=GetCACert",
                   named(*first) + " is the first to end: " + certs::utc_text(first->not_after()));
    if (first->not_after() < now) {
        judge(finding, Outcome::kFailed, "it has expired");
    } else if (first->not_after() < now + kAlmostOver) {
        judge(finding, Outcome::kWarning, "it ends within 30 days: renew it (docs/rollover.md)");
    }
    return finding;
}

}  // namespace scepgate::server::doctor
