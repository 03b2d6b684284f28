#include "server/approval.hpp"

#include <algorithm>

#include "policy/grant_record.hpp"
#include "server/renewed_certificate.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using ca_backend::StoredTransaction;
using ca_backend::TransactionState;

namespace {

Error broken_row(const Error& fault) {
    return {Errc::kInternal, "the stored request cannot be read: " + fault.detail};
}

/// By who signed it: a certificate of ours asks to be renewed.
Result<EnrollmentKind> kind_signed_by(ca_backend::Store& store, const Endpoint& endpoint,
                                      const certs::Certificate& signer) {
    const bool ours = std::any_of(
        endpoint.issuers.begin(), endpoint.issuers.end(), [&](const scep::TrustedIssuer& issuer) {
            return equal(signer.issuer_der(), issuer.certificate.subject_der()) &&
                   signer.signed_by(issuer.key);
        });
    if (ours) return EnrollmentKind::kRenewal;
    const auto row = store.find_certificate(ca_backend::certificate_id(signer));
    if (!row) return row.error();
    const bool known = *row && equal((*row)->der, signer.der());
    return known ? EnrollmentKind::kRenewal : EnrollmentKind::kInitial;
}

/// Who decided what end_superseded() rejects.
constexpr std::string_view kByNewestOnly = "renewal.newest_only";

/// What the operator is asked about: a template may build the subject anew.
std::string certified_subject(const Endpoint& endpoint, const Grant& grant,
                              const std::string& template_name) {
    const auto built = endpoint.ca->built_subject(grant, template_name);
    return built && *built ? (*built)->text() : grant.subject().text();
}

/// Whether it is still what the operator was asked about, and what the signer's limits were held
/// against when the request came: templates may have changed since.
Result<void, Refusal> check_same_subject(const Endpoint& endpoint, const Grant& grant,
                                         const StoredTransaction& transaction) {
    const auto chosen = choose_template(endpoint, grant);
    if (!chosen) return chosen.error();
    std::string now = certified_subject(endpoint, grant, *chosen);
    if (now == transaction.subject) return {};
    return refused(reason::kApprovedSubjectChanged, transaction.subject, std::move(now));
}

}  // namespace

Result<EnrollmentKind> stored_kind(ca_backend::Store& store, const Endpoint& endpoint,
                                   const StoredTransaction& transaction) {
    const auto signer = certs::Certificate::from_der(transaction.pending->signer);
    return signer ? kind_signed_by(store, endpoint, *signer) : broken_row(signer.error());
}

Result<EnrollmentRequest> restore_request(ca_backend::Store& store, const Operation& operation,
                                          const StoredTransaction& transaction) {
    const Endpoint& endpoint = operation.endpoint;
    certs::CsrLimits limits;
    limits.key = endpoint.rules.key_limits;
    // It was taken once: a switch turned off since then does not undo that.
    constexpr bool kAllowSha1 = true;
    auto csr = certs::Csr::from_der(transaction.pending->csr, limits, kAllowSha1);
    if (!csr) return broken_row(csr.error());
    auto signer = certs::Certificate::from_der(transaction.pending->signer);
    if (!signer) return broken_row(signer.error());
    const auto purpose = certs::purpose_of(csr->requested().key_usage);
    if (!purpose) return broken_row(purpose.error());
    const auto kind = kind_signed_by(store, endpoint, *signer);
    if (!kind) return kind.error();
    return EnrollmentRequest{
        .endpoint = transaction.endpoint,
        .kind = *kind,
        .message_type = transaction.message_type,
        .transaction_id = transaction.transaction_id,
        .csr = std::move(*csr),
        .purpose = *purpose,
        .signer = std::move(*signer),
        .client_address = operation.client_address,
        .template_name = endpoint.template_for(*purpose),
    };
}

asio::awaitable<Outcome> Approval::hold(const Operation& operation,
                                        const EnrollmentRequest& request, const Grant& grant,
                                        const ca_backend::TransactionKey& key) {
    auto earlier = co_await record(operation, request, grant, key);
    if (!earlier) {
        co_await issuance_.tell_refused(operation, request, earlier.error(), grant.policy());
        co_return earlier.error();
    }
    // What became of a parallel attempt is told where it is answered.
    if (*earlier) co_return co_await answer(operation, &request, **earlier);
    operation.record.code = "Pending";
    co_return Answer(StillPending{});
}

asio::awaitable<Approval::Earlier> Approval::record(const Operation& operation,
                                                    const EnrollmentRequest& request,
                                                    const Grant& grant,
                                                    const ca_backend::TransactionKey& key) {
    auto chosen = check_issuable(operation.endpoint, grant);
    if (!chosen) co_return chosen.error();
    operation.record.template_name = *chosen;
    ca_backend::PendingRecord row;
    row.transaction = key;
    row.endpoint = operation.endpoint.name;
    row.transaction_id = request.transaction_id;
    row.message_type = request.message_type;
    row.signer_key = ca_backend::signer_key_hash(request.signer);
    row.ca = operation.endpoint.ca->name();
    row.template_name = std::move(*chosen);
    row.policy = grant.policy();
    row.device_id = grant.device_id();
    row.user_id = grant.user_id();
    row.subject = certified_subject(operation.endpoint, grant, row.template_name);
    row.subject_alt_name = certs::to_text(grant.subject_alt_name());
    row.redemption = grant.redemption();
    if (request.kind == EnrollmentKind::kRenewal)
        row.renews = ca_backend::certificate_id(request.signer);
    row.maximum_open = operation.endpoint.maximum_pending;
    row.client_address = operation.client_address;
    row.now = parts_.clock->now();
    row.details.signer = to_bytes(request.signer.der());
    row.details.csr = to_bytes(request.csr.der());
    row.details.grant = policy::GrantRecord::encode(grant);
    // Now, while the challenge is still the device's, not when an operator has approved it.
    if (const auto readable = policy::GrantRecord::decode(row.details.grant); !readable) {
        co_return refused(reason::kGrantTooLong,
                          "it cannot wait for an operator: " + readable.error().detail);
    }
    row.details.expires = row.now + operation.endpoint.approval_for(grant).expires;
    auto auditing = trail_.pending(operation, row);
    const auto audited = co_await std::move(auditing);
    if (!audited) co_return refused(reason::kAuditUnavailable, audited.error().detail);
    auto recorded = co_await parts_.store->record_pending(std::move(row));
    if (!recorded) co_return refused(reason::kStoreUnavailable, recorded.error().detail);
    if (auto* before = std::get_if<ca_backend::RecordedBefore>(&*recorded)) {
        co_return std::optional(std::move(before->transaction));
    }
    if (std::holds_alternative<ca_backend::AlreadyRedeemed>(*recorded)) {
        co_return already_redeemed();
    }
    if (std::holds_alternative<ca_backend::TransactionIdTaken>(*recorded)) {
        co_return refused(reason::kTransactionIdTaken, "one under which nothing waits",
                          "another request of this key waits under it");
    }
    if (std::holds_alternative<ca_backend::SignerWaits>(*recorded)) {
        co_return refused(reason::kRenewalWaits, "one renewal at a time of a key",
                          "another one waits for an operator");
    }
    if (std::holds_alternative<ca_backend::SignerRevoked>(*recorded)) {
        co_return signer_revoked(request.signer);
    }
    if (std::holds_alternative<ca_backend::TooManyPending>(*recorded)) {
        co_return refused(reason::kTooManyPending,
                          "at most " + std::to_string(operation.endpoint.maximum_pending) +
                              " (endpoints[].max_pending)",
                          "as many already");
    }
    co_return std::nullopt;
}

asio::awaitable<Outcome> Approval::answer(const Operation& operation,
                                          const EnrollmentRequest* request,
                                          const StoredTransaction& transaction) {
    operation.record.policy = transaction.policy;
    operation.record.template_name = transaction.template_name;
    const std::optional<Secret> no_challenge;
    auto recipient =
        scep::reply_recipient(operation.message, request ? request->csr.challenge() : no_challenge);
    if (!recipient) co_return recipient.error();

    Result<certs::Certificate, Refusal> certificate;
    switch (transaction.state) {
        case TransactionState::kPending:
            operation.record.code = "Pending";
            co_return Answer(StillPending{});
        case TransactionState::kRejected:
        case TransactionState::kExpired:
            co_return co_await end(operation, request, transaction);
        case TransactionState::kApproved:
            if (request == nullptr) throw std::logic_error("Approval: approved, never pending");
            certificate = co_await issue_approved(operation, transaction);
            break;
        case TransactionState::kIssued:
            certificate = co_await issuance_.release_again(operation, request, transaction);
            break;
    }
    if (!certificate) co_return certificate.error();
    co_return Answer(ReleasedCertificate{std::move(*certificate), std::move(*recipient)});
}

asio::awaitable<Result<certs::Certificate, Refusal>> Approval::issue_approved(
    const Operation& operation, const StoredTransaction& transaction) {
    // Whoever fetches it: what an operator approved is judged and recorded, with its signer.
    const auto stored = restore_request(*parts_.store, operation, transaction);
    if (!stored) co_return refused(reason::kStoreUnavailable, stored.error().detail);
    const EnrollmentRequest& request = *stored;
    // It was good when the request came; an operator may have revoked it since.
    const auto signer = parts_.store->find_certificate(ca_backend::certificate_id(request.signer));
    if (!signer) co_return refused(reason::kStoreUnavailable, signer.error().detail);
    if (*signer && (*signer)->revocation && equal((*signer)->der, request.signer.der())) {
        Refusal refusal = signer_revoked(request.signer);
        co_await issuance_.tell_refused(operation, request, refusal, transaction.policy);
        co_return refusal;
    }
    const auto& rule = operation.endpoint.renewal;
    if (*signer && rule && rule->newest_only && request.kind == EnrollmentKind::kRenewal) {
        const auto superseded =
            is_superseded(*parts_.store, operation.endpoint, request.signer, **signer);
        if (!superseded) co_return refused(reason::kStoreUnavailable, superseded.error().detail);
        bool ended = false;
        if (*superseded) ended = co_await end_superseded(operation, transaction);
        // Otherwise the newer one may be what a parallel attempt made of it: recording tells.
        if (ended) {
            Refusal refusal = signer_superseded(request.signer);
            co_await issuance_.tell_refused(operation, request, refusal, transaction.policy);
            co_await mark_notified(operation, transaction.id);
            co_return refusal;
        }
    }
    if (const auto sound = check_not_compromised(*parts_.store, request); !sound) {
        co_await issuance_.tell_refused(operation, request, sound.error(), transaction.policy);
        co_return sound.error();
    }
    auto grant = policy::GrantRecord::decode(transaction.pending->grant);
    if (!grant) co_return refused(reason::kStoreUnavailable, broken_row(grant.error()).detail);
    if (const auto same = check_same_subject(operation.endpoint, *grant, transaction); !same) {
        co_await issuance_.tell_refused(operation, request, same.error(), transaction.policy);
        co_return same.error();
    }
    auto issued = co_await issuance_.issue(operation, request, *grant, transaction.key,
                                           transaction.challenge);
    // By one that was recorded while it was made.
    if (!issued && issued.error().code == reason::kRenewedBefore.code) {
        const bool ended = co_await end_superseded(operation, transaction);
        if (ended) co_await mark_notified(operation, transaction.id);
    }
    co_return issued;
}

asio::awaitable<bool> Approval::end_superseded(const Operation& operation,
                                               const StoredTransaction& transaction) {
    ca_backend::Decision decision;
    decision.id = transaction.id;
    decision.by = kByNewestOnly;
    decision.reason = "a newer certificate for the same names was issued";
    decision.now = parts_.clock->now();
    const auto rejected = co_await parts_.store->decide(std::move(decision));
    if (!rejected) {
        operation.record.notes.push_back(rejected.error().detail);
        co_return false;
    }
    auto auditing = trail_.ended(*rejected);
    co_await std::move(auditing);
    co_return true;
}

asio::awaitable<void> Approval::mark_notified(const Operation& operation, std::int64_t id) {
    if (!operation.endpoint.policy->hears_outcomes()) co_return;
    const auto marked = co_await parts_.store->mark_notified(id);
    if (!marked) operation.record.notes.push_back(marked.error().detail);
}

Result<bool> Approval::ended_with_signer(const StoredTransaction& transaction,
                                         const certs::Certificate& signer) const {
    const auto row = parts_.store->find_certificate(ca_backend::certificate_id(signer));
    if (!row) return row.error();
    const bool revoked = *row && equal((*row)->der, signer.der()) && (*row)->revocation;
    return revoked && (*row)->revocation->at == transaction.pending->decided_at;
}

asio::awaitable<Refusal> Approval::end(const Operation& operation, const EnrollmentRequest* request,
                                       const StoredTransaction& transaction) {
    const bool rejected = transaction.state == TransactionState::kRejected;
    std::string text = rejected ? "an operator rejected it" : "no operator approved it in time";
    if (transaction.pending && transaction.pending->decided_at != 0) {
        if (!rejected) text = "an operator approved it, but the device did not come back in time";
        text += " (" + transaction.pending->decided_by + "): " + transaction.pending->reason;
    }
    Refusal refusal = refused(rejected ? reason::kRejected : reason::kApprovalExpired,
                              "an operator's approval", std::move(text));
    if (rejected && request != nullptr) {
        const auto revoked = ended_with_signer(transaction, request->signer);
        if (!revoked) co_return refused(reason::kStoreUnavailable, revoked.error().detail);
        if (*revoked) {
            refusal = signer_revoked(request->signer);
        } else if (transaction.pending && transaction.pending->decided_by == kByNewestOnly) {
            refusal = signer_superseded(request->signer);
        }
    }
    const bool hears = operation.endpoint.policy->hears_outcomes();
    if (!hears || transaction.notified || request == nullptr) co_return refusal;
    co_await issuance_.tell_refused(operation, *request, refusal, transaction.policy);
    co_await mark_notified(operation, transaction.id);
    co_return refusal;
}

}  // namespace scepgate::server
