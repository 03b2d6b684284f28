#include "ca_backend/sqlite_lookups.hpp"

namespace scepgate::ca_backend::sqlite {

Result<Lookups> Lookups::prepare(const Database& database) {
    auto transaction =
        Statement::prepare(database,
                           "SELECT der FROM transactions JOIN certificates ON certificates.id = "
                           "transactions.certificate WHERE key = ?");
    if (!transaction) return transaction.error();
    auto redemption =
        Statement::prepare(database, "SELECT 1 FROM redemptions WHERE policy = ? AND token = ?");
    if (!redemption) return redemption.error();
    Lookups lookups;
    lookups.transaction_ = *std::move(transaction);
    lookups.redemption_ = *std::move(redemption);
    return lookups;
}

Result<std::optional<certs::Certificate>> Lookups::find_transaction(const TransactionKey& key) {
    Query query = transaction_.run();
    query.bind(ByteView(key));
    const auto row = query.next();
    if (!row) return row.error();
    if (!*row) return std::optional<certs::Certificate>();
    auto certificate = certs::Certificate::from_der(query.blob(0));
    if (!certificate) {
        return Error{Errc::kInternal,
                     "a stored certificate cannot be read: " + certificate.error().detail};
    }
    return std::optional(*std::move(certificate));
}

Result<bool> Lookups::is_redeemed(const Redemption& redemption) {
    Query query = redemption_.run();
    query.bind(redemption.policy).bind(ByteView(redemption.token));
    return query.next();
}

}  // namespace scepgate::ca_backend::sqlite
