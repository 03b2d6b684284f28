// Requests that an operator decides: recording them, and answering once they are decided.
#pragma once

#include "server/issuance.hpp"

namespace scepgate::server {

/// A request waits with its Grant; what an operator approves is issued when the device comes back,
/// by poll or by sending its request again, on any connection, after any restart.
class Approval {
public:
    explicit Approval(const ServiceParts& parts) : parts_(parts), trail_(parts), issuance_(parts) {}

    /// Records the request as pending, and uses up what the Grant redeems. Refused:
    /// "TransactionIdTaken", "RenewalSignerRevoked", "RenewalWaits", "ChallengeAlreadyRedeemed",
    /// "GrantTooLong", "TooManyPending" (temporary). The policy module hears of a refusal.
    boost::asio::awaitable<Outcome> hold(const Operation& operation,
                                         const EnrollmentRequest& request, const Grant& grant,
                                         const ca_backend::TransactionKey& key);

    /// The answer to a request that was recorded before, pending or not: a certificate, PENDING, or
    /// "ApprovalRejected", "ApprovalExpired", "RenewalSignerRevoked" or "RenewalSuperseded" (since
    /// it was recorded).
    /// `request` null: a poll for what was never pending.
    boost::asio::awaitable<Outcome> answer(const Operation& operation,
                                           const EnrollmentRequest* request,
                                           const ca_backend::StoredTransaction& transaction);

private:
    /// What a parallel attempt had recorded before; empty: this one was.
    using Earlier = Result<std::optional<ca_backend::StoredTransaction>, Refusal>;

    boost::asio::awaitable<Earlier> record(const Operation& operation,
                                           const EnrollmentRequest& request, const Grant& grant,
                                           const ca_backend::TransactionKey& key);
    boost::asio::awaitable<Result<certs::Certificate, Refusal>> issue_approved(
        const Operation& operation, const ca_backend::StoredTransaction& transaction);
    /// Whether a rejection came with the revocation of the certificate that asked for its renewal.
    [[nodiscard]] Result<bool> ended_with_signer(const ca_backend::StoredTransaction& transaction,
                                                 const certs::Certificate& signer) const;
    /// True: it was rejected now, for good, because there is a newer certificate. False: another
    /// attempt was faster, or the store fails.
    boost::asio::awaitable<bool> end_superseded(const Operation& operation,
                                                const ca_backend::StoredTransaction& transaction);
    boost::asio::awaitable<void> mark_notified(const Operation& operation, std::int64_t id);
    boost::asio::awaitable<Refusal> end(const Operation& operation,
                                        const EnrollmentRequest* request,
                                        const ca_backend::StoredTransaction& transaction);

    const ServiceParts& parts_;
    AuditTrail trail_;
    Issuance issuance_;
};

/// What a pending transaction asked for, whatever the configuration has become since: a renewal
/// was signed by a certificate of this endpoint's issuers, or by one that the store knows.
[[nodiscard]] Result<EnrollmentKind> stored_kind(ca_backend::Store& store, const Endpoint& endpoint,
                                                 const ca_backend::StoredTransaction& transaction);

/// The request that a pending transaction was made from, of its stored_kind(). kInternal when the
/// row is not what was written.
[[nodiscard]] Result<EnrollmentRequest> restore_request(
    ca_backend::Store& store, const Operation& operation,
    const ca_backend::StoredTransaction& transaction);

}  // namespace scepgate::server
