#include "ca_backend/sql_certificates.hpp"

#include <algorithm>
#include <limits>

namespace scepgate::ca_backend::sql {
namespace {

const std::string kSelect =
    "SELECT serial, subject, subject_alt_name, issuer, not_before, not_after, issued_at, endpoint, "
    "transaction_id, ca, template, policy, device_id, user_id, revoked_at, revocation_reason, der "
    "FROM certificates ";

CertificateRow read(const Query& query) {
    CertificateRow row;
    int column = 0;
    row.serial = to_hex(query.blob(column++));
    row.subject = query.text(column++);
    row.subject_alt_name = query.text(column++);
    row.issuer = query.text(column++);
    row.not_before = query.integer(column++);
    row.not_after = query.integer(column++);
    row.issued_at = query.integer(column++);
    row.endpoint = query.text(column++);
    row.transaction_id = query.text(column++);
    row.ca = query.text(column++);
    row.template_name = query.text(column++);
    row.policy = query.text(column++);
    row.device_id = query.text(column++);
    row.user_id = query.text(column++);
    const int revoked_at = column++;
    const int reason = column++;
    if (!query.is_null(revoked_at)) {
        row.revocation = Revocation{query.integer(revoked_at),
                                    static_cast<certs::RevocationReason>(query.integer(reason))};
    }
    row.der = query.blob(column++);
    return row;
}

/// A pattern for LIKE, with '!' as its escape.
std::string containing(std::string_view text) {
    std::string pattern = "%";
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '!') pattern += '!';
        pattern += c;
    }
    return pattern + "%";
}

Certificates::Found read_one(Query& query) {
    const auto row = query.next();
    if (!row) return row.error();
    if (!*row) return std::optional<CertificateRow>();
    return std::optional(read(query));
}

}  // namespace

Result<Certificates> Certificates::prepare(Connection& connection) {
    Certificates made;
    const auto prepared = prepare_all(
        connection, {{made.by_id_, kSelect + "WHERE serial = ? AND issuer_hash = ?"},
                     {made.by_serial_, kSelect + "WHERE serial = ? ORDER BY id DESC LIMIT 1"},
                     {made.by_identity_,
                      kSelect + "WHERE identity = ? AND not_before <= ? AND not_after > ? AND "
                                "revoked_at IS NULL ORDER BY id DESC LIMIT 1"}});
    if (!prepared) return prepared.error();
    return made;
}

Certificates::Found Certificates::find(const CertificateId& id) {
    const Bytes serial = without_sign_octet(id.serial);
    Query query = by_id_.run();
    query.bind(serial).bind(ByteView(id.issuer));
    return read_one(query);
}

Certificates::Found Certificates::find_serial(ByteView serial) {
    Query query = by_serial_.run();
    query.bind(serial);
    return read_one(query);
}

Certificates::Found Certificates::newest_of_identity(const Sha256& identity, std::int64_t now) {
    Query query = by_identity_.run();
    query.bind(ByteView(identity)).bind(now).bind(now);
    return read_one(query);
}

Result<std::vector<CertificateRow>> list_certificates(Connection& connection,
                                                      const CertificateFilter& filter) {
    std::string sql = kSelect + "WHERE TRUE ";
    if (filter.subject_contains) sql += "AND lower(subject) LIKE lower(?) ESCAPE '!' ";
    if (filter.transaction_id) {
        sql += "AND id IN (SELECT certificate FROM transactions WHERE transaction_id = ?) ";
    }
    if (filter.revoked) sql += "AND revoked_at IS NOT NULL ";
    if (filter.expires_after) sql += "AND not_after > ? ";
    if (filter.expires_until) sql += "AND not_after <= ? ";
    sql +=
        filter.expires_until ? "ORDER BY not_after, id DESC LIMIT ?" : "ORDER BY id DESC LIMIT ?";
    auto statement = Statement::prepare(connection, sql);
    if (!statement) return statement.error();

    const std::string subject = containing(filter.subject_contains.value_or(""));
    Query query = statement->run();
    if (filter.subject_contains) query.bind(subject);
    if (filter.transaction_id) query.bind(*filter.transaction_id);
    if (filter.expires_after) query.bind(*filter.expires_after);
    if (filter.expires_until) query.bind(*filter.expires_until);
    constexpr std::size_t kMaxLimit = std::numeric_limits<std::int64_t>::max();
    query.bind(static_cast<std::int64_t>(std::min(filter.limit, kMaxLimit)));

    std::vector<CertificateRow> rows;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return rows;
        rows.push_back(read(query));
    }
}

}  // namespace scepgate::ca_backend::sql
