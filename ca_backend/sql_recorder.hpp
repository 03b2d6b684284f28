// Writing transactions inside an open write transaction of the database.
#pragma once

#include "ca_backend/sql_compromised_keys.hpp"
#include "ca_backend/sql_revocations.hpp"
#include "ca_backend/sql_transactions.hpp"

namespace scepgate::ca_backend::sql {

/// What is looked up first still holds when it is written, because nobody else writes meanwhile.
/// When a function fails, what it wrote has to be rolled back.
class Recorder {
public:
    static Result<Recorder> prepare(Connection& connection);

    /// kConflict: the serial number exists already.
    Result<RecordOutcome> record(const IssuanceRecord& record);
    Result<PendingOutcome> record_pending(const PendingRecord& record);
    Result<StoredTransaction> decide(const Decision& decision);
    /// Rejects what is open of what a certificate asked for that is revoked for ever; as it is
    /// then.
    Result<std::vector<StoredTransaction>> end_renewals(const CertificateRow& certificate,
                                                        const RevocationOrder& order);
    Result<void> mark_notified(std::int64_t id);

    /// Removes at most `limit` redemptions whose tokens have been refused for their age since long
    /// before `now`.
    Result<void> purge_redemptions(std::int64_t now, std::size_t limit);
    /// Removes at most `limit` requests of each kind that were rejected, or expired without a
    /// certificate, long before `now`. True: these were all.
    Result<bool> purge_pending(std::int64_t now, std::size_t limit);

private:
    /// Empty: nothing stands against it.
    Result<std::optional<RecordOutcome>> judge(const IssuanceRecord& record,
                                               const StoredTransaction* waited);
    /// Of all that it has to be the newest of; with nothing to be, nothing is looked up.
    Result<bool> is_newest(const Renewal& renewal);
    /// Of the certificate, or of the one that it renews.
    Result<bool> has_compromised_key(const IssuanceRecord& record);
    Result<std::int64_t> insert_certificate(const IssuanceRecord& record);
    /// Returns its id.
    Result<std::int64_t> insert_pending(const PendingRecord& record);
    Result<void> redeem(const std::optional<Redemption>& redemption);
    /// For a request whose own the token may be already.
    Result<void> redeem_unless_used(const std::optional<Redemption>& redemption);
    /// Returns the transaction as it is then.
    Result<StoredTransaction> decide(const StoredTransaction& before, const Decision& decision);

    Transactions transactions_;
    Certificates certificates_;
    Revocations revocations_;
    CompromisedKeys compromised_keys_;
    Statement certificate_;
    Statement name_;
    Statement issued_;
    Statement now_issued_;
    Statement waiting_;
    Statement pending_;
    Statement redemption_;
    Statement forget_pending_;
    Statement forget_;
    Statement state_;
    Statement decision_;
    Statement notified_;
    Statement purge_;
    Statement purge_expired_details_, purge_expired_;
    Statement purge_rejected_details_, purge_rejected_;
};

}  // namespace scepgate::ca_backend::sql
