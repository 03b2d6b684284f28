#include "server/issuance.hpp"

#include <openssl/crypto.h>

#include "policy/renewal.hpp"
#include "policy/signer_limits.hpp"
#include "server/renewed_certificate.hpp"
#include "server/repeat_bounds.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using certs::Certificate;
using CertificateOrRefusal = Result<Certificate, Refusal>;

namespace {

/// A copy of what has a challenge in it.
class WipedAfterUse {
public:
    explicit WipedAfterUse(Bytes& octets) noexcept : octets_(octets) {}
    WipedAfterUse(const WipedAfterUse&) = delete;
    WipedAfterUse& operator=(const WipedAfterUse&) = delete;
    ~WipedAfterUse() { OPENSSL_cleanse(octets_.data(), octets_.size()); }

private:
    Bytes& octets_;
};

ByteView token_of(const Grant& grant) {
    return grant.redemption() ? ByteView(grant.redemption()->token) : ByteView();
}

std::optional<Refusal> judge_endpoint_rules(const Endpoint& endpoint, const Grant& grant,
                                            const certs::Name& subject) {
    if (!endpoint.issuance_rules) return std::nullopt;
    return policy::judge_rules(*endpoint.issuance_rules, {subject, grant.subject_alt_name(),
                                                          grant.sid(), &grant.public_key()});
}

}  // namespace

Refusal signer_revoked(const Certificate& signer) {
    return refused({FailInfo::kBadRequest, "RenewalSignerRevoked", "renewed certificate",
                    "the device has to enrol anew, with a challenge"},
                   "the certificate with serial " + signer.serial_hex() +
                       " was revoked or put on hold before its renewal was done");
}

Refusal signer_superseded(const Certificate& signer) {
    return refused(reason::kRenewedBefore,
                   "the newest for its names, not renewed yet (renewal.newest_only)",
                   "serial " + signer.serial_hex() + ", which is not");
}

Result<std::string, Refusal> choose_template(const Endpoint& endpoint, const Grant& grant) {
    const std::string& chosen =
        endpoint.template_for(grant.purpose(), grant.template_name().value_or(""));
    const std::string purpose(to_text(grant.purpose()));
    // The endpoint's own choice by purpose is the limit of what may be asked for here.
    if (grant.template_name() && *grant.template_name() != chosen) {
        std::string all = chosen;
        for (const auto& [name, approval] :
             endpoint.other_templates[static_cast<std::size_t>(grant.purpose())])
            all += ", " + name;
        return refused(
            FailInfo::kBadRequest, "TemplateMismatch",
            {"the granted template, for purpose " + purpose, all, *grant.template_name(),
             "have the challenge, or the webhook's answer, name the template that the endpoint "
             "uses for this purpose, or name another one under endpoints[].templates"});
    }
    if (chosen.empty()) {
        return refused({FailInfo::kBadRequest, "NoTemplateForPurpose", "template",
                        "name one under endpoints[].templates, or correct the key usage of the "
                        "client's profile"},
                       "one for purpose " + purpose, "none");
    }
    return chosen;
}

Result<void, Refusal> check_key(const Endpoint& endpoint, const certs::PublicKey& key) {
    if (!endpoint.own_keys->contains(key)) return {};
    return refused({FailInfo::kBadRequest, "KeyIsServers", "key",
                    "whoever sent it holds that key; if no mistake explains it, replace the key"},
                   "the request is for a key of this server itself (CA, RA, challenges or TLS)");
}

namespace {

Refusal key_compromised() {
    return refused(reason::kKeyCompromised,
                   "a certificate of this key was revoked as keyCompromise");
}

}  // namespace

Result<void, Refusal> check_not_compromised(ca_backend::Store& store,
                                            const EnrollmentRequest& request) {
    const ByteView requested = request.csr.public_key().spki();
    auto compromised = store.is_compromised(sha256(requested));
    const ByteView signer = request.signer.spki();
    const bool another = request.kind == EnrollmentKind::kRenewal && !equal(signer, requested);
    if (compromised && !*compromised && another) compromised = store.is_compromised(sha256(signer));
    if (!compromised) return refused(reason::kStoreUnavailable, compromised.error().detail);
    if (!*compromised) return {};
    return key_compromised();
}

Result<void, Refusal> check_built_subject(const Endpoint& endpoint, const Grant& grant,
                                          const certs::Name& built) {
    if (auto broken = judge_endpoint_rules(endpoint, grant, built)) return std::move(*broken);
    if (!grant.signer_limits()) return {};
    auto broken = policy::judge_built_subject(*grant.signer_limits(), built,
                                              grant.subject_alt_name(), &grant.public_key());
    if (broken) return std::move(*broken);
    return {};
}

Result<std::string, Refusal> check_issuable(const Endpoint& endpoint, const Grant& grant) {
    if (auto fit = check_key(endpoint, grant.public_key()); !fit) return fit.error();
    auto chosen = choose_template(endpoint, grant);
    if (!chosen) return chosen;
    if (auto broken = judge_endpoint_rules(endpoint, grant, grant.subject())) {
        return std::move(*broken);
    }
    const auto built = endpoint.ca->built_subject(grant, *chosen);
    if (!built) return built.error();
    if (*built) {
        if (auto kept = check_built_subject(endpoint, grant, **built); !kept) return kept.error();
    }
    return chosen;
}

Result<bool> is_over(ca_backend::Store& store, const Certificate& issued, std::int64_t now) {
    if (now >= issued.not_after()) return true;
    const auto row = store.find_certificate(ca_backend::certificate_id(issued));
    if (!row) return row.error();
    return !*row || (*row)->revocation.has_value();
}

Refusal already_redeemed() {
    return refused({FailInfo::kBadMessageCheck, "ChallengeAlreadyRedeemed", "challenge",
                    "give the device a new challenge (where a webhook decides: a 'once' of its own "
                    "for each request); the audit file says what it was used for"},
                   "this challenge was used for another request before");
}

asio::awaitable<CertificateOrRefusal> Issuance::issue(const Operation& operation,
                                                      const EnrollmentRequest& request,
                                                      const Grant& grant,
                                                      const ca_backend::TransactionKey& key,
                                                      Bytes challenge) {
    if (challenge.empty()) challenge = to_bytes(token_of(grant));
    auto certificate = co_await sign(operation, request, grant, key, challenge);
    if (!certificate) {
        co_await tell_refused(operation, request, certificate.error(), grant.policy());
        co_return certificate.error();
    }
    auto recorded = co_await record(operation, request, grant, key, *certificate);
    if (!recorded) {
        co_await tell_refused(operation, request, recorded.error(), grant.policy());
        co_return recorded.error();
    }
    if (const auto* before = std::get_if<ca_backend::RecordedBefore>(&*recorded)) {
        // A parallel attempt was faster.
        co_return co_await release_again(operation, &request, before->transaction);
    }
    operation.record.code = "Success";
    const std::int64_t id = std::get<ca_backend::Recorded>(*recorded).id;
    if (auto told = co_await tell_issued(operation, request, *certificate, id, grant.policy());
        !told) {
        co_return told.error();
    }
    auto auditing = trail_.certificate("issue", operation, *certificate, grant, challenge);
    const auto audited = co_await std::move(auditing);
    if (!audited) co_return refused(reason::kAuditUnavailable, audited.error().detail);
    co_return std::move(*certificate);
}

asio::awaitable<CertificateOrRefusal> Issuance::sign(const Operation& operation,
                                                     const EnrollmentRequest& request,
                                                     const Grant& grant,
                                                     const ca_backend::TransactionKey& key,
                                                     ByteView challenge) {
    const Endpoint& endpoint = operation.endpoint;
    // Again: it may have waited for an operator while the server was given new keys or rules.
    auto chosen = check_issuable(endpoint, grant);
    if (!chosen) co_return chosen.error();
    operation.record.template_name = *chosen;
    ca_backend::IssueContext context;
    context.endpoint = endpoint.name;
    context.template_name = std::move(*chosen);
    context.transaction_id = operation.record.transaction_id;
    context.csr = to_bytes(request.csr.der());
    const WipedAfterUse challenge_in_csr(context.csr);
    context.request = key;

    auto issued = co_await endpoint.ca->issue(grant, context);
    if (!issued) {
        operation.record.ca_result = "refused";
        co_return issued.error();
    }
    auto* certificate = std::get_if<ca_backend::IssuedCertificate>(&*issued);
    if (certificate == nullptr) {
        co_return refused(reason::kPendingUnsupported, "the CA wants to decide later");
    }
    operation.record.ca_result = "issued";
    auto& notes = operation.record.notes;
    notes.insert(notes.end(), certificate->notes.begin(), certificate->notes.end());
    // Before anything is used up: where the audit file cannot be written, nothing is issued, and
    // what a crash leaves in the store stands in the audit file too.
    auto auditing =
        trail_.certificate("sign", operation, certificate->certificate, grant, challenge);
    const auto audited = co_await std::move(auditing);
    if (!audited) co_return refused(reason::kAuditUnavailable, audited.error().detail);
    co_return std::move(certificate->certificate);
}

asio::awaitable<Result<ca_backend::RecordOutcome, Refusal>> Issuance::record(
    const Operation& operation, const EnrollmentRequest& request, const Grant& grant,
    const ca_backend::TransactionKey& key, const Certificate& certificate) {
    ca_backend::IssuanceRecord row;
    row.transaction = key;
    row.endpoint = operation.endpoint.name;
    row.transaction_id = request.transaction_id;
    row.message_type = request.message_type;
    row.signer_key = ca_backend::signer_key_hash(request.signer);
    row.ca = operation.endpoint.ca->name();
    row.template_name = operation.record.template_name;
    row.policy = grant.policy();
    row.device_id = grant.device_id();
    row.user_id = grant.user_id();
    row.certificate = certificate;
    row.subject_alt_name = grant.subject_alt_name();
    row.max_validity = grant.max_validity();
    row.redemption = grant.redemption();
    row.client_address = operation.client_address;
    if (request.kind == EnrollmentKind::kRenewal) {
        row.renewal.emplace().certificate = ca_backend::certificate_id(request.signer);
        const auto& settings = operation.endpoint.renewal;
        if (settings) row.renewal->once = policy::redemption_of_renewal(*settings, request.signer);
        if (settings && settings->newest_only) {
            auto names = names_of_renewal(*parts_.store, operation.endpoint, request.signer,
                                          certificate, row.template_name);
            if (!names) co_return refused(reason::kStoreUnavailable, names.error().detail);
            row.renewal->newest_of = std::move(*names);
        }
    }
    row.now = parts_.clock->now();
    auto recorded = co_await parts_.store->record(std::move(row));
    if (!recorded) co_return refused(reason::kStoreUnavailable, recorded.error().detail);
    if (std::holds_alternative<ca_backend::AlreadyRedeemed>(*recorded)) {
        co_return already_redeemed();
    }
    if (std::holds_alternative<ca_backend::SignerRevoked>(*recorded)) {
        co_return signer_revoked(request.signer);
    }
    if (std::holds_alternative<ca_backend::KeyCompromised>(*recorded)) co_return key_compromised();
    if (std::holds_alternative<ca_backend::AlreadyRenewed>(*recorded)) {
        co_return signer_superseded(request.signer);
    }
    co_return std::move(*recorded);
}

asio::awaitable<CertificateOrRefusal> Issuance::release_again(
    const Operation& operation, const EnrollmentRequest* request,
    const ca_backend::StoredTransaction& transaction) {
    if (!transaction.certificate) {
        co_return refused(reason::kRejected, "an operator's approval",
                          "it was rejected while it was about to be issued");
    }
    operation.record.code = "Retry";
    operation.record.policy = transaction.policy;
    operation.record.template_name = transaction.template_name;
    if (!transaction.notified && operation.endpoint.policy->hears_outcomes()) {
        if (request == nullptr) {
            co_return refused(reason::kNotificationFailed,
                              "the policy module was not told yet; the request itself, sent "
                              "again, tells it");
        }
        auto told = co_await tell_issued(operation, *request, *transaction.certificate,
                                         transaction.id, transaction.policy);
        if (!told) co_return told.error();
    }
    const auto matter = static_cast<std::uint64_t>(transaction.id);
    if (parts_.retries && !parts_.retries->admit(matter, operation.client_address, "Retry",
                                                 std::chrono::steady_clock::now())) {
        co_return *transaction.certificate;
    }
    auto auditing = trail_.retry(operation, transaction);
    const auto audited = co_await std::move(auditing);
    if (!audited) {
        if (parts_.retries) parts_.retries->forget(matter);
        co_return refused(reason::kAuditUnavailable, audited.error().detail);
    }
    co_return *transaction.certificate;
}

asio::awaitable<Result<void, Refusal>> Issuance::tell_issued(const Operation& operation,
                                                             const EnrollmentRequest& request,
                                                             const Certificate& certificate,
                                                             std::int64_t id,
                                                             std::string_view granted_by) {
    policy::PolicyModule& module = *operation.endpoint.policy;
    if (!module.hears_outcomes()) co_return Result<void, Refusal>();
    policy::TransactionOutcome outcome{&request, certificate, std::nullopt,
                                       std::string(granted_by)};
    auto told = co_await module.notify(outcome);
    if (!told && told.error().code == Errc::kDenied) {
        co_return co_await withdraw(operation, certificate, told.error());
    }
    if (!told) co_return refused(reason::kNotificationFailed, told.error().detail);
    // When this fails the module hears of it once more with the next retry.
    auto marked = co_await parts_.store->mark_notified(id);
    if (!marked) operation.record.notes.push_back(marked.error().detail);
    co_return Result<void, Refusal>();
}

asio::awaitable<Refusal> Issuance::withdraw(const Operation& operation,
                                            const Certificate& certificate, const Error& why) {
    ca_backend::RevocationOrder order;
    order.certificate = ca_backend::certificate_id(certificate);
    order.reason = certs::RevocationReason::kPrivilegeWithdrawn;
    order.at = parts_.clock->now();
    const auto revoked = co_await parts_.store->revoke(order);
    // kConflict: it is revoked already.
    if (!revoked && revoked.error().code != Errc::kConflict) {
        co_return refused(reason::kStoreUnavailable, revoked.error().detail);
    }
    auto auditing = trail_.withdrawn(operation, certificate, why.detail);
    co_await std::move(auditing);
    co_return refused(
        reason::kNotificationRefused,
        "certificate " + certificate.serial_hex() + " was revoked, not released: " + why.detail);
}

asio::awaitable<void> Issuance::tell_refused(const Operation& operation,
                                             const EnrollmentRequest& request,
                                             const Refusal& refusal, std::string_view granted_by) {
    policy::PolicyModule& module = *operation.endpoint.policy;
    if (!module.hears_outcomes()) co_return;
    policy::TransactionOutcome outcome{&request, std::nullopt, refusal, std::string(granted_by)};
    auto told = co_await module.notify(outcome);
    if (!told) operation.record.notes.push_back("notify: " + told.error().detail);
}

}  // namespace scepgate::server
