// What waits is approved or rejected: by an operator, or because the certificate is gone that
// asked.
#include <algorithm>

#include "ca_backend/sql_recorder.hpp"
#include "certs/clock.hpp"

namespace scepgate::ca_backend::sql {
namespace {

constexpr std::int64_t number(TransactionState state) {
    return static_cast<std::int64_t>(state);
}
// As they stand in the store (sqlite_schema.cpp).
static_assert(number(TransactionState::kPending) == 0 && number(TransactionState::kApproved) == 1 &&
              number(TransactionState::kRejected) == 2 && number(TransactionState::kIssued) == 3);

}  // namespace

Result<StoredTransaction> Recorder::decide(const Decision& decision) {
    const auto found = transactions_.find_id(decision.id, decision.now);
    if (!found) return found.error();
    if (!*found || !(*found)->pending) {
        return Error{Errc::kNotFound, "there is no such pending transaction"};
    }
    const StoredTransaction& before = **found;
    const bool approve = decision.verdict == Decision::Verdict::kApprove;
    if (!is_open(before) || (approve && before.state == TransactionState::kApproved)) {
        std::string text = "transaction " + before.transaction_id + " is " +
                           std::string(to_text(before.state)) + " already";
        if (before.pending->decided_at != 0) {
            text += " (" + before.pending->decided_by + ", " +
                    certs::utc_text(before.pending->decided_at) + ")";
        }
        return Error{Errc::kConflict, text};
    }
    if (approve && !before.pending->upstream_id.empty()) {
        return Error{Errc::kConflict, "transaction " + before.transaction_id +
                                          " waits for the CA above, not for an approval"};
    }
    return decide(before, decision);
}

Result<StoredTransaction> Recorder::decide(const StoredTransaction& before,
                                           const Decision& decision) {
    const bool approve = decision.verdict == Decision::Verdict::kApprove;
    {
        const auto state = approve ? TransactionState::kApproved : TransactionState::kRejected;
        // The device gets as long to fetch it as the operator had to approve it.
        const std::int64_t expires = before.pending->expires;
        const std::int64_t fetched_by = decision.now + (expires - before.recorded_at);
        Query query = state_.run();
        query.bind(number(state)).bind(approve ? std::max(expires, fetched_by) : expires);
        if (const auto done = query.bind(decision.id).finish(); !done) return done.error();
    }
    {
        Query query = decision_.run();
        query.bind(decision.now).bind(decision.by).bind(decision.reason).bind(decision.id);
        if (const auto done = query.finish(); !done) return done.error();
    }
    const auto after = transactions_.find_id(decision.id, decision.now);
    if (!after) return after.error();
    return **after;
}

Result<std::vector<StoredTransaction>> Recorder::end_renewals(const CertificateRow& certificate,
                                                              const RevocationOrder& order) {
    std::vector<StoredTransaction> ended;
    // On hold it may be good again.
    if (!certificate.revocation || certificate.revocation->on_hold()) return ended;
    const auto signer = certs::Certificate::from_der(certificate.der);
    // What cannot be read has signed nothing; it is revoked all the same.
    if (!signer) return ended;
    const auto open = transactions_.open_of_certificate(certificate.endpoint, *signer, order.at);
    if (!open) return open.error();
    for (const std::int64_t id : *open) {
        const auto waiting = transactions_.find_id(id, order.at);
        if (!waiting) return waiting.error();
        Decision decision;
        decision.id = id;
        decision.by = order.by;
        decision.reason = "the certificate that it would have renewed was revoked";
        decision.now = order.at;
        auto rejected = decide(**waiting, decision);
        if (!rejected) return rejected.error();
        ended.push_back(*std::move(rejected));
    }
    return ended;
}

}  // namespace scepgate::ca_backend::sql
