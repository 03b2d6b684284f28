// Transactions as the store keeps them: what a request was, and what became of it.
#pragma once

#include <variant>

#include "ca_backend/certificate_record.hpp"
#include "certs/enrollment.hpp"

namespace scepgate::ca_backend {

/// Identifies a request so that a retry is known again, whoever carries it and whichever node gets
/// it: SHA-256 over endpoint, messageType, transactionID, signer certificate and CSR, each with its
/// length in front. transactionIDs alone are chosen by clients and repeat.
using TransactionKey = Sha256;
[[nodiscard]] TransactionKey transaction_key(const EnrollmentRequest& request);

/// SHA-256 of the signer's SubjectPublicKeyInfo as it stands in its certificate. Tells devices
/// apart that chose the same transactionID.
[[nodiscard]] Sha256 signer_key_hash(const certs::Certificate& signer);

enum class TransactionState {
    kPending,   ///< waits for an operator, or for the CA above
    kApproved,  ///< may be issued: the next poll or retry does it
    kRejected,  ///< for good
    kIssued,
    kExpired,  ///< was neither issued nor rejected in time
};
[[nodiscard]] std::string_view to_text(TransactionState state) noexcept;  ///< "pending"

/// What a transaction that could not be answered at once needs later.
struct PendingDetails {
    Bytes signer;             ///< DER certificate: the answer is for this key alone
    Bytes csr;                ///< DER
    Bytes grant;              ///< what policy allowed, serialised; opaque here
    std::string upstream_id;  ///< what the CA above calls it; empty: an operator decides
    std::int64_t expires = 0;
    std::int64_t decided_at = 0;  ///< 0: not yet
    std::string decided_by;
    std::string reason;  ///< the operator's words
};

/// A transaction with everything that answers and records about it need.
struct StoredTransaction {
    std::int64_t id = 0;  ///< the store's own number for it
    TransactionKey key{};
    TransactionState state = TransactionState::kPending;
    std::string endpoint;
    std::string transaction_id;
    int message_type = 0;
    std::string ca, template_name, policy, device_id, user_id;
    std::string subject;           ///< RFC 4514
    std::string subject_alt_name;  ///< text
    Bytes challenge;               ///< the token that it redeemed; empty: none
    std::int64_t recorded_at = 0;  ///< when it first was, seconds since the epoch
    /// The policy module was told of the certificate. Until then it may not be released: a retry
    /// tells again.
    bool notified = false;
    std::optional<certs::Certificate> certificate;  ///< issued: what it was answered with
    std::optional<PendingDetails> pending;          ///< it is, or was, pending
};

/// What a renewal rests on, looked at again in the moment of recording.
struct Renewal {
    CertificateId certificate;       ///< which signed the request; must not be revoked
    std::optional<Redemption> once;  ///< when it may be renewed only once
    /// Of each of these it must be the newest, however long ago the renewal was judged; empty: it
    /// need not be.
    std::vector<Identity> newest_of{};
};

/// One issuance to make durable: all of it or nothing.
struct IssuanceRecord {
    TransactionKey transaction{};
    std::string endpoint;
    std::string transaction_id;
    int message_type = 0;
    Sha256 signer_key{};  ///< signer_key_hash(): whose polls are answered
    std::string ca;
    std::string template_name;
    std::string policy;
    std::string device_id;
    std::string user_id;
    certs::Certificate certificate;
    certs::GeneralNames subject_alt_name;
    std::optional<std::int64_t> max_validity{};  ///< seconds: what was granted
    std::optional<Redemption> redemption;
    std::optional<Renewal> renewal;
    std::string client_address{};  ///< to tell of, not kept
    bool notified = false;         ///< nobody has to be told: spares the write of mark_notified()
    std::int64_t now = 0;          ///< seconds since the epoch
};

/// A request that will be answered later.
struct PendingRecord {
    TransactionKey transaction{};
    std::string endpoint;
    std::string transaction_id;
    int message_type = 0;
    Sha256 signer_key{};
    std::string ca;
    std::string template_name;
    std::string policy;
    std::string device_id;
    std::string user_id;
    std::string subject;
    std::string subject_alt_name;
    std::optional<Redemption> redemption;
    PendingDetails details;  ///< all but the decision
    /// A renewal, of this certificate: it must be neither revoked nor on hold, and no other request
    /// of signer_key may be open at this endpoint.
    std::optional<CertificateId> renews{};
    std::size_t maximum_open = 0;  ///< of this endpoint, this one included; 0: no limit
    std::string client_address{};  ///< to tell of, not kept
    std::int64_t now = 0;
};

/// On disk: may be released.
struct Recorded {
    std::int64_t id = 0;  ///< StoredTransaction::id
};
/// The same request was recorded before, perhaps by a parallel attempt: answer with what it became.
/// From record(): issued or rejected. From record_pending(): any state.
struct RecordedBefore {
    StoredTransaction transaction;
};
/// The redemption's token was used by another request: nothing was recorded.
struct AlreadyRedeemed {};
/// The certificate that is to be renewed is revoked or on hold: nothing was recorded.
struct SignerRevoked {};
/// It was renewed by another request, and may be only once, or is not the newest any more: nothing
/// was recorded.
struct AlreadyRenewed {};
/// A certificate of its key was revoked as keyCompromise meanwhile: nothing was recorded.
struct KeyCompromised {};
/// The same signer key has another request with this transactionID waiting: nothing was recorded.
struct TransactionIdTaken {};
/// The key of a renewal has another request open: nothing was recorded.
struct SignerWaits {};
/// As many wait at this endpoint as may: nothing was recorded.
struct TooManyPending {};

using RecordOutcome = std::variant<Recorded, RecordedBefore, AlreadyRedeemed, SignerRevoked,
                                   AlreadyRenewed, KeyCompromised>;
using PendingOutcome = std::variant<Recorded, RecordedBefore, AlreadyRedeemed, TransactionIdTaken,
                                    SignerRevoked, SignerWaits, TooManyPending>;

/// Whose request it is: what every message of a transaction says again, polls too.
struct PollKey {
    std::string_view endpoint;
    std::string_view transaction_id;
    Sha256 signer_key{};
};

/// An operator's word on a pending transaction.
struct Decision {
    enum class Verdict { kApprove, kReject };
    std::int64_t id = 0;  ///< StoredTransaction::id
    Verdict verdict = Verdict::kReject;
    std::string by;
    std::string reason;
    std::int64_t now = 0;
};

/// What a revocation order came to.
struct Revoked {
    CertificateRow certificate;  ///< as it is now
    /// Renewals that it had asked for and that were open: rejected, unless it is but on hold.
    std::vector<StoredTransaction> renewals;
};

struct PendingFilter {
    bool open_only = true;  ///< pending and approved ones; else all that ever were pending
    std::optional<std::string> transaction_id = {};
    std::int64_t now = 0;
    std::size_t limit = 1000;
};

}  // namespace scepgate::ca_backend
