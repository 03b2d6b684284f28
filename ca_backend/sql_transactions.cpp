#include "ca_backend/sql_transactions.hpp"

#include <limits>

#include "ca_backend/certificate_plan.hpp"

namespace scepgate::ca_backend::sql {
namespace {

/// An issued transaction has its particulars in `certificates`, a waiting one in `pending`; one
/// that waited and was issued has both.
const std::string kSelectTransactions =
    "SELECT t.id, t.key, t.state, t.endpoint, t.transaction_id, t.challenge, t.recorded_at, "
    "t.expires, t.notified, coalesce(c.message_type, p.message_type), coalesce(c.ca, p.ca), "
    "coalesce(c.template, p.template), coalesce(c.policy, p.policy), "
    "coalesce(c.device_id, p.device_id), coalesce(c.user_id, p.user_id), "
    "coalesce(c.subject, p.subject), coalesce(c.subject_alt_name, p.subject_alt_name), c.der, "
    "p.signer, p.csr, p.granted, p.upstream_id, p.decided_at, p.decided_by, p.reason "
    "FROM transactions AS t LEFT JOIN certificates AS c ON c.id = t.certificate "
    "LEFT JOIN pending AS p ON p.request = t.id ";

// transactions_by_request has the ends and beginnings of the values. "NOT a <> b": where SQLite is
// told "a = b" it puts b into every expression of a, and knows the index's no more.
const std::string kOfSender =
    "(SELECT id FROM transactions WHERE NOT transaction_id <> ?1 AND NOT signer_key <> ?2 AND "
    "endpoint = ?3 AND substr(transaction_id, length(transaction_id) - 7) = substr(?1, length(?1) "
    "- 7) "
    "AND substr(signer_key, 1, 8) = substr(?2, 1, 8)";
const std::string kOfKey =
    kOfSender + " AND NOT key <> ?4 AND substr(key, 1, 16) = substr(?4, 1, 16))";
/// The index has a sender's requests by key, so all have to be looked at for the newest. Few
/// senders ever have two with one transactionID; who has thousands gets one of his own, and costs
/// no more.
const std::string kNewest = "(SELECT max(id) FROM " + kOfSender + " LIMIT 1000) AS of_sender)";

Query& bind(Query& query, const PollKey& sender) {
    return query.bind(sender.transaction_id)
        .bind(ByteView(sender.signer_key))
        .bind(sender.endpoint);
}

TransactionState state_of(std::int64_t number, std::int64_t expires, std::int64_t now) {
    const auto state = static_cast<TransactionState>(number);
    const bool open = state == TransactionState::kPending || state == TransactionState::kApproved;
    return open && expires <= now ? TransactionState::kExpired : state;
}

Result<StoredTransaction> read_transaction(const Query& row, std::int64_t now) {
    StoredTransaction read;
    int column = 0;
    read.id = row.integer(column++);
    const Bytes key = row.blob(column++);
    if (key.size() != read.key.size()) return Error{Errc::kInternal, "a stored key is damaged"};
    std::copy(key.begin(), key.end(), read.key.begin());
    const std::int64_t state = row.integer(column++);
    read.endpoint = row.text(column++);
    read.transaction_id = row.text(column++);
    read.challenge = row.blob(column++);
    read.recorded_at = row.integer(column++);
    const std::int64_t expires = row.integer(column++);
    read.state = state_of(state, expires, now);
    read.notified = row.integer(column++) != 0;
    read.message_type = static_cast<int>(row.integer(column++));
    read.ca = row.text(column++);
    read.template_name = row.text(column++);
    read.policy = row.text(column++);
    read.device_id = row.text(column++);
    read.user_id = row.text(column++);
    read.subject = row.text(column++);
    read.subject_alt_name = row.text(column++);
    if (const int der = column++; !row.is_null(der)) {
        auto certificate = certs::Certificate::from_der(row.blob(der));
        if (!certificate) {
            return Error{Errc::kInternal,
                         "a stored certificate cannot be read: " + certificate.error().detail};
        }
        read.certificate = *std::move(certificate);
        if (was_shortened(read.subject)) read.subject = read.certificate->subject_text();
    }
    if (row.is_null(column)) return read;
    PendingDetails& pending = read.pending.emplace();
    pending.signer = row.blob(column++);
    pending.csr = row.blob(column++);
    pending.grant = row.blob(column++);
    pending.upstream_id = row.text(column++);
    pending.expires = expires;
    pending.decided_at = row.integer(column++);
    pending.decided_by = row.text(column++);
    pending.reason = row.text(column++);
    return read;
}

Transactions::Found read_one(Query& query, std::int64_t now) {
    const auto row = query.next();
    if (!row) return row.error();
    if (!*row) return std::optional<StoredTransaction>();
    auto found = read_transaction(query, now);
    if (!found) return found.error();
    return std::optional(*std::move(found));
}

}  // namespace

Result<Transactions> Transactions::prepare(Connection& connection) {
    Transactions made;
    const auto prepared = prepare_all(
        connection,
        {{made.by_key_, kSelectTransactions + "WHERE t.id = " + kOfKey},
         {made.by_key_or_newest_,
          kSelectTransactions + "WHERE t.id = coalesce(" + kOfKey + "," + kNewest + ")"},
         {made.by_id_, kSelectTransactions + "WHERE t.id = ?"},
         {made.newest_, kSelectTransactions + "WHERE t.id = " + kNewest},
         {made.count_open_,
          "SELECT count(*) FROM transactions WHERE state < 2 AND expires > ? AND endpoint = ?"},
         {made.open_of_signer_,
          "SELECT 1 FROM transactions WHERE state < 2 AND expires > ? AND endpoint = ? AND "
          "signer_key = ? LIMIT 1"},
         // "+": sorted in the end. SQLite would walk through all rows, which are in order.
         {made.open_of_certificate_,
          "SELECT t.id FROM transactions AS t JOIN pending AS p ON p.request = t.id WHERE t.state "
          "< 2 AND t.expires > ? AND t.endpoint = ? AND t.signer_key = ? AND p.signer = ? "
          "ORDER BY +t.id"},
         {made.redemption_, "SELECT 1 FROM redemptions WHERE policy = ? AND token = ?"}});
    if (!prepared) return prepared.error();
    return made;
}

Transactions::Found Transactions::find(const PollKey& sender, const TransactionKey& key,
                                       std::int64_t now) {
    Query query = by_key_.run();
    return read_one(bind(query, sender).bind(ByteView(key)), now);
}

Transactions::Found Transactions::find_request(const PollKey& sender, const TransactionKey& key,
                                               std::int64_t now) {
    Query query = by_key_or_newest_.run();
    return read_one(bind(query, sender).bind(ByteView(key)), now);
}

Transactions::Found Transactions::find_id(std::int64_t id, std::int64_t now) {
    Query query = by_id_.run();
    query.bind(id);
    return read_one(query, now);
}

Transactions::Found Transactions::find_newest(const PollKey& sender, std::int64_t now) {
    Query query = newest_.run();
    return read_one(bind(query, sender), now);
}

Result<std::int64_t> Transactions::count_open(std::string_view endpoint, std::int64_t now) {
    Query query = count_open_.run();
    const auto row = query.bind(now).bind(endpoint).next();
    if (!row) return row.error();
    return query.integer(0);
}

Result<bool> Transactions::has_open(std::string_view endpoint, const Sha256& signer_key,
                                    std::int64_t now) {
    Query query = open_of_signer_.run();
    return query.bind(now).bind(endpoint).bind(ByteView(signer_key)).next();
}

Result<std::vector<std::int64_t>> Transactions::open_of_certificate(
    std::string_view endpoint, const certs::Certificate& signer, std::int64_t now) {
    const Sha256 key = signer_key_hash(signer);
    Query query = open_of_certificate_.run();
    query.bind(now).bind(endpoint).bind(ByteView(key)).bind(signer.der());
    std::vector<std::int64_t> all;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return all;
        all.push_back(query.integer(0));
    }
}

Result<bool> Transactions::is_redeemed(const Redemption& redemption) {
    Query query = redemption_.run();
    return query.bind(redemption.policy).bind(ByteView(redemption.token)).next();
}

Result<std::vector<StoredTransaction>> list_pending(Connection& connection,
                                                    const PendingFilter& filter) {
    std::string sql = kSelectTransactions + "WHERE p.request IS NOT NULL ";
    if (filter.open_only) sql += "AND t.state < 2 AND t.expires > ? ";
    if (filter.transaction_id) sql += "AND t.transaction_id = ? ";
    sql += "ORDER BY t.id DESC LIMIT ?";
    auto statement = Statement::prepare(connection, sql);
    if (!statement) return statement.error();
    Query query = statement->run();
    if (filter.open_only) query.bind(filter.now);
    if (filter.transaction_id) query.bind(*filter.transaction_id);
    constexpr std::size_t kMaxLimit = std::numeric_limits<std::int64_t>::max();
    query.bind(static_cast<std::int64_t>(std::min(filter.limit, kMaxLimit)));
    std::vector<StoredTransaction> all;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return all;
        auto one = read_transaction(query, filter.now);
        if (!one) return one.error();
        all.push_back(*std::move(one));
    }
}

}  // namespace scepgate::ca_backend::sql
