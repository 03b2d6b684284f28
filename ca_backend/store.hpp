// What must survive: certificates and their revocation, transactions, redemptions, challenges, CRL
// numbers.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "ca_backend/certificate_list.hpp"
#include "ca_backend/challenge_store.hpp"
#include "ca_backend/crl_store.hpp"
#include "ca_backend/outbox.hpp"
#include "ca_backend/transaction.hpp"

namespace scepgate::ca_backend {

/// One database for everything that must survive. Uniqueness of serial, transaction and token is
/// enforced by the database itself. Every look-up goes by an index: its cost does not grow with
/// what was recorded. Safe for concurrent use.
///
/// What is awaited returns when it is durable; requests that wait together are committed together.
/// kUnavailable: could not be done now (disk full, locked); nothing was written.
class Store : public ChallengeStore, public CrlStore {
public:
    // Transactions. `now` tells which of the pending ones have expired.

    /// The request of `sender` that this key was made from, if it was recorded before; else what
    /// find_pending() gives. StoredTransaction::key tells which.
    virtual Result<std::optional<StoredTransaction>> find_request(const PollKey& sender,
                                                                  const TransactionKey& key,
                                                                  std::int64_t now) = 0;
    /// The newest request of this signer's key with this transactionID, in whatever state.
    virtual Result<std::optional<StoredTransaction>> find_pending(const PollKey& sender,
                                                                  std::int64_t now) = 0;
    /// True when the token was redeemed: a cheap look before work is spent; recording decides.
    virtual Result<bool> is_redeemed(const Redemption& redemption) = 0;

    /// A transaction that is pending or approved becomes issued; of parallel attempts one wins.
    /// Its redemption, if it was recorded then, is not made again.
    virtual boost::asio::awaitable<Result<RecordOutcome>> record(IssuanceRecord record) = 0;
    /// The redemption is made now, so that the challenge cannot be used again meanwhile.
    virtual boost::asio::awaitable<Result<PendingOutcome>> record_pending(PendingRecord record) = 0;
    /// Returns the transaction as decided. kNotFound; kConflict when it is not open any more, or is
    /// approved already, or (approval) waits for the CA above, not for an operator.
    virtual boost::asio::awaitable<Result<StoredTransaction>> decide(Decision decision) = 0;
    /// The policy module has heard what became of this transaction (StoredTransaction::id).
    /// kNotFound.
    virtual boost::asio::awaitable<Result<void>> mark_notified(std::int64_t id) = 0;

    /// Newest first.
    virtual Result<std::vector<StoredTransaction>> list_pending(const PendingFilter& filter) = 0;

    // Certificates.

    virtual Result<std::optional<CertificateRow>> find_certificate(const CertificateId& id) = 0;
    /// Of those with this identity the one issued last, revoked or expired too. Empty: none.
    virtual Result<std::optional<CertificateRow>> newest_of_identity(const Identity& identity) = 0;
    /// One page. kMalformed: `after` is of no page of such a filter.
    virtual Result<CertificatePage> list(const CertificateFilter& filter) = 0;
    /// One certificate, or two, of each issuer that matters: of whom something is revoked, and who
    /// issued last as one of `cas`.
    virtual Result<std::vector<certs::Certificate>> certificates_of_issuers(
        const std::vector<std::string>& cas) = 0;
    /// Those with this serial number, of whichever issuers; the newest first. kMalformed.
    virtual Result<std::vector<CertificateRow>> with_serial(std::string_view serial_hex) = 0;

    // Revocation. CRLs: crl_store.hpp.

    /// Whether a certificate for this key (SHA-256 of its SubjectPublicKeyInfo) was revoked as
    /// keyCompromise, by whichever CA of this store and however long ago.
    virtual Result<bool> is_compromised(const Sha256& key) = 0;

    /// Returns the certificate as it is now; of one that is not recorded only what the order says.
    /// One that is revoked for ever renews nothing any more: what waits for that is rejected.
    /// kNotFound; kConflict when it is revoked for ever, is on hold already, (kRemoveFromCrl) is
    /// not on hold, or is recorded although the order says that it is not.
    virtual boost::asio::awaitable<Result<Revoked>> revoke(RevocationOrder order) = 0;

    /// Nothing is recorded here for now, because this machine's clock is not the one that all nodes
    /// share: another node is to be asked. From memory.
    [[nodiscard]] virtual bool clock_is_wrong() const noexcept { return false; }

    /// What others are to be told of all this.
    [[nodiscard]] virtual Outbox& outbox() noexcept = 0;
};

}  // namespace scepgate::ca_backend
