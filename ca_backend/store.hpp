// What must survive: certificates, transactions, redemptions.
#pragma once

#include <variant>

#include <boost/asio/awaitable.hpp>

#include "certs/enrollment.hpp"

namespace scepgate::ca_backend {

/// Identifies a request so that a retry is known again, whoever carries it and whichever node gets
/// it: SHA-256 over endpoint, messageType, transactionID, signer certificate and CSR, each with its
/// length in front. transactionIDs alone are chosen by clients and repeat.
using TransactionKey = Sha256;
[[nodiscard]] TransactionKey transaction_key(const EnrollmentRequest& request);

/// One issuance to make durable: all of it or nothing.
struct IssuanceRecord {
    TransactionKey transaction{};
    std::string endpoint;
    std::string transaction_id;
    int message_type = 0;
    std::string ca;
    std::string template_name;
    std::string policy;
    std::string device_id;
    std::string user_id;
    certs::Certificate certificate;
    certs::GeneralNames subject_alt_name;
    std::optional<Redemption> redemption;
    std::int64_t now = 0;  ///< seconds since the epoch
};

/// Recorded: on disk, may be released.
struct Recorded {};
/// The same request was recorded by a parallel attempt: release that certificate instead.
struct RecordedBefore {
    certs::Certificate certificate;
};
/// The redemption's token was used by another request: nothing was recorded.
struct AlreadyRedeemed {};
using RecordOutcome = std::variant<Recorded, RecordedBefore, AlreadyRedeemed>;

/// A stored certificate, for people.
struct CertificateRow {
    std::string serial;   ///< hex
    std::string subject;  ///< RFC 4514
    std::string subject_alt_name;
    std::string issuer;
    std::int64_t not_before = 0;
    std::int64_t not_after = 0;
    std::int64_t issued_at = 0;
    std::string endpoint, transaction_id, ca, template_name, policy, device_id, user_id;
    Bytes der;
};

struct CertificateFilter {
    std::optional<std::string> subject_contains;
    std::optional<std::string> transaction_id;
    std::size_t limit = 1000;
};

/// One database for everything that must survive. Uniqueness of serial, transaction and token is
/// enforced by the database itself. Safe for concurrent use. kUnavailable: could not be done now
/// (disk full, locked); nothing was written.
class Store {
public:
    virtual ~Store() = default;

    /// The certificate that this request was answered with before, if any.
    virtual Result<std::optional<certs::Certificate>> find_transaction(
        const TransactionKey& key) = 0;

    /// True when the token was redeemed: a cheap look before work is spent; record() decides.
    virtual Result<bool> is_redeemed(const Redemption& redemption) = 0;

    /// Returns when the record is durable. Requests that wait together are committed together.
    virtual boost::asio::awaitable<Result<RecordOutcome>> record(IssuanceRecord record) = 0;

    /// Newest first.
    virtual Result<std::vector<CertificateRow>> list(const CertificateFilter& filter) = 0;
    virtual Result<std::optional<CertificateRow>> find_serial(std::string_view serial_hex) = 0;
};

}  // namespace scepgate::ca_backend
