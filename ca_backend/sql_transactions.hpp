// Looking up transactions and redemptions; used for reading and, again, while writing.
#pragma once

#include "ca_backend/sql.hpp"
#include "ca_backend/transaction.hpp"

namespace scepgate::ca_backend::sql {

[[nodiscard]] inline bool is_open(const StoredTransaction& transaction) noexcept {
    return transaction.state == TransactionState::kPending ||
           transaction.state == TransactionState::kApproved;
}

class Transactions {
public:
    static Result<Transactions> prepare(Connection& connection);

    using Found = Result<std::optional<StoredTransaction>>;
    /// The one that this key was made from.
    Found find(const PollKey& sender, const TransactionKey& key, std::int64_t now);
    /// The same; else find_newest().
    Found find_request(const PollKey& sender, const TransactionKey& key, std::int64_t now);
    Found find_id(std::int64_t id, std::int64_t now);
    Found find_newest(const PollKey& sender, std::int64_t now);

    /// How many of an endpoint are pending or approved.
    Result<std::int64_t> count_open(std::string_view endpoint, std::int64_t now);
    /// Whether this key has signed one of them.
    Result<bool> has_open(std::string_view endpoint, const Sha256& signer_key, std::int64_t now);
    /// Those of this endpoint that this certificate has signed.
    Result<std::vector<std::int64_t>> open_of_certificate(std::string_view endpoint,
                                                          const certs::Certificate& signer,
                                                          std::int64_t now);
    Result<bool> is_redeemed(const Redemption& redemption);

private:
    Statement by_key_;
    Statement by_key_or_newest_;
    Statement by_id_;
    Statement newest_;
    Statement count_open_;
    Statement open_of_signer_;
    Statement open_of_certificate_;
    Statement redemption_;
};

/// Newest first. Prepared on each call: for people.
Result<std::vector<StoredTransaction>> list_pending(Connection& connection,
                                                    const PendingFilter& filter);

}  // namespace scepgate::ca_backend::sql
