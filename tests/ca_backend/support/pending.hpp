// Pending requests for the store's tests.
#pragma once

#include "ca_backend/wait_for.hpp"
#include "tests/ca_backend/support/grants.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::testing {

/// A new request that waits for an operator for a day.
PendingRecord make_pending(std::string_view token = {});

/// The issuance of what `pending` waits for.
IssuanceRecord issuance_of(const PendingRecord& pending);

inline Result<PendingOutcome> record_pending(SqlStore& store, const PendingRecord& pending) {
    return wait_for(store.record_pending(pending));
}

/// "recorded", "recorded before", "already redeemed", "id taken", "too many" or the error's text.
std::string describe(const Result<PendingOutcome>& outcome);

inline std::optional<StoredTransaction> poll(SqlStore& store, const PendingRecord& pending,
                                             std::int64_t now = kNow) {
    const PollKey key{pending.endpoint, pending.transaction_id, pending.signer_key};
    return store.find_pending(key, now).value();
}

Result<StoredTransaction> decide(SqlStore& store, const PendingRecord& pending,
                                 Decision::Verdict verdict, std::int64_t now = kNow);

}  // namespace scepgate::ca_backend::testing
