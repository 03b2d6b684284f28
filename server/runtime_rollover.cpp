#include "server/runtime_rollover.hpp"

#include <algorithm>

#include "scep/ca_info.hpp"

namespace scepgate::server {
namespace {

using certs::Certificate;
using certs::utc_text;

const Certificate& ca_of(const Endpoint& endpoint) {
    return endpoint.ca->chain().front();
}

/// The certificates that it speaks SCEP with; in CA mode the CA's.
std::vector<Certificate> ra_of(const Endpoint& endpoint) {
    std::vector<Certificate> ra{endpoint.signer.certificate};
    if (!(endpoint.recipients.front().certificate == ra.front())) {
        ra.push_back(endpoint.recipients.front().certificate);
    }
    return ra;
}

class RolloverJudge {
public:
    RolloverJudge(const Endpoint& now, const Endpoint& next, const EndpointConfig::Next& config,
                  RuntimeContext& context)
        : now_(now), next_(next), config_(config), context_(context), faults_(context.faults) {}

    void judge() {
        judge_identity();
        judge_times();
        judge_recipients();
    }

private:
    void judge_identity() {
        const Certificate& old_ca = ca_of(now_);
        const Certificate& new_ca = ca_of(next_);
        const std::string at = config_.json_path + ".ca";
        if (certs::same_name(old_ca.subject_der(), new_ca.subject_der())) {
            return faults_.error(
                at, "the next CA has the name of the present one, '" + old_ca.subject_text() + "'",
                "give it another: a CRL belongs to a name");
        }
        if (equal(old_ca.spki(), new_ca.spki())) {
            faults_.warn(at, "the next CA has the key of the present one", "give it a new one");
        }
        if (new_ca.not_after() < old_ca.not_after()) {
            faults_.warn(at, "the next CA expires on " + utc_text(new_ca.not_after()) +
                                 ", before the present one");
        }
    }

    void judge_times() {
        const std::string at = config_.json_path + ".from";
        if (config_.from <= context_.clock->now()) {
            faults_.warn(at, "is over: the next CA serves",
                         "make 'next' the endpoint's 'ca' and 'ra', the old ones its "
                         "'previous_encryption' and 'previous_cas' (docs/rollover.md)");
        } else if (ca_of(now_).not_after() < config_.from) {
            faults_.warn(
                at, "is after the present CA's expiry on " + utc_text(ca_of(now_).not_after()));
        }
        judge_validity(ca_of(next_));
        for (const Certificate& ra : ra_of(next_))
            judge_validity(ra);
    }

    void judge_validity(const Certificate& certificate) {
        if (certificate.not_before() <= config_.from && config_.from < certificate.not_after()) {
            return;
        }
        faults_.error(config_.json_path + ".from", "'" + certificate.subject_text() +
                                                       "' is not valid then, but from " +
                                                       utc_text(certificate.not_before()) + " to " +
                                                       utc_text(certificate.not_after()));
    }

    /// By these certificates requests for the next CA are told from those for the present one.
    void judge_recipients() {
        const Certificate& coming = next_.recipients.front().certificate;
        for (const auto& present : now_.recipients) {
            if (!(present.certificate == coming)) continue;
            faults_.error(config_.json_path,
                          "requests would be encrypted to the same certificate as now, '" +
                              coming.subject_text() + "'",
                          "issue RA certificates by the next CA");
        }
    }

    const Endpoint& now_;
    const Endpoint& next_;
    const EndpointConfig::Next& config_;
    RuntimeContext& context_;
    ConfigFaults& faults_;
};

/// What is not there yet, at the end.
void add_issuers(std::vector<scep::TrustedIssuer>& to,
                 const std::vector<scep::TrustedIssuer>& from) {
    for (const auto& issuer : from) {
        const bool known = std::any_of(to.begin(), to.end(), [&](const auto& other) {
            return other.certificate == issuer.certificate;
        });
        if (!known) to.push_back(issuer);
    }
}

}  // namespace

void join_rollover(Endpoint& now, const std::shared_ptr<Endpoint>& next,
                   const EndpointConfig::Next& config, RuntimeContext& context) {
    if (!now.signer.certificate || now.recipients.empty() || !next->signer.certificate ||
        next->recipients.empty()) {
        return;  // reported where they are
    }
    RolloverJudge(now, *next, config, context).judge();
    now.counterpart = Counterpart{next->ca, ra_of(*next)};
    next->counterpart = Counterpart{now.ca, ra_of(now)};
    // RFC 8894 section 4.7.1: "the new CA certificate and any new RA certificates".
    std::vector<Certificate> bundle = next->ca->chain();
    for (const Certificate& ra : now.counterpart->ra) {
        if (!(ra == bundle.front())) bundle.push_back(ra);
    }
    const auto reply = scep::next_ca_certificates(bundle, now.signer, context.clock->now());
    if (!reply) return context.faults.error(config.json_path, reply.error().detail);
    now.next_ca_certificates = std::make_shared<PreparedReply>(
        200, reply->content_type, reply->body, "Cache-Control: no-cache\r\n");

    next->earlier_ra = EarlierRa{now.signer, now.recipients};
    next->recipients.insert(next->recipients.end(), now.recipients.begin(), now.recipients.end());
    const auto before = now.issuers;
    add_issuers(now.issuers, next->issuers);
    add_issuers(next->issuers, before);
    now.next = next;
    now.next_from = config.from;
}

}  // namespace scepgate::server
