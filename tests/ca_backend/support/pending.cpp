#include "tests/ca_backend/support/pending.hpp"

namespace scepgate::ca_backend::testing {

PendingRecord make_pending(std::string_view token) {
    PendingRecord made;
    fill_random(made.transaction);
    fill_random(made.signer_key);
    made.endpoint = "/scep";
    made.transaction_id = "transaction-1";
    made.message_type = 19;
    made.ca = "lab";
    made.template_name = "device";
    made.policy = "mdm";
    made.device_id = "device-id";
    made.user_id = "user-id";
    made.subject = "CN=device-1,O=Example";
    made.subject_alt_name = "dns:a.example";
    if (!token.empty()) made.redemption = Redemption{"mdm", to_bytes(as_bytes(token)), kNow + 3600};
    made.details.signer = {1, 2, 3};
    made.details.csr = {4, 5, 6};
    made.details.grant = {7, 8, 9};
    made.details.expires = kNow + kDay;
    made.now = kNow;
    return made;
}

IssuanceRecord issuance_of(const PendingRecord& pending) {
    IssuanceRecord made = make_record();
    made.transaction = pending.transaction;
    made.transaction_id = pending.transaction_id;
    made.endpoint = pending.endpoint;
    made.signer_key = pending.signer_key;
    made.redemption = pending.redemption;
    return made;
}

std::string describe(const Result<PendingOutcome>& outcome) {
    if (!outcome) return outcome.error().detail;
    if (std::holds_alternative<Recorded>(*outcome)) return "recorded";
    if (std::holds_alternative<RecordedBefore>(*outcome)) return "recorded before";
    if (std::holds_alternative<AlreadyRedeemed>(*outcome)) return "already redeemed";
    if (std::holds_alternative<SignerRevoked>(*outcome)) return "signer revoked";
    if (std::holds_alternative<SignerWaits>(*outcome)) return "signer waits";
    return std::holds_alternative<TransactionIdTaken>(*outcome) ? "id taken" : "too many";
}

Result<StoredTransaction> decide(SqlStore& store, const PendingRecord& pending,
                                 Decision::Verdict verdict, std::int64_t now) {
    const auto found = stored(store, pending, now);
    Decision decision;
    decision.id = found ? found->id : 0;
    decision.verdict = verdict;
    decision.by = "operator";
    decision.reason = "because";
    decision.now = now;
    return wait_for(store.decide(decision));
}

}  // namespace scepgate::ca_backend::testing
