#include "ca_backend/sql_issuers.hpp"

#include <algorithm>

namespace scepgate::ca_backend::sql {
namespace {

/// Only the certificates themselves say which CA they are of, in no index.
constexpr std::int64_t kLookedAt = 10'000;
/// Of an issuer's revocations; some may be of certificates that are not recorded.
constexpr std::int64_t kRevocationsLookedAt = 1000;

Result<void> add(Query& query, std::vector<certs::Certificate>& all) {
    const auto row = query.next();
    if (!row || !*row) return row ? Result<void>() : row.error();
    auto read = certs::Certificate::from_der(query.blob(0));
    // What is damaged is for 'store verify' to find.
    if (read && std::find(all.begin(), all.end(), *read) == all.end())
        all.push_back(*std::move(read));
    return {};
}

Result<std::vector<Bytes>> issuers(Connection& connection) {
    // Each change of a revocation is counted there.
    auto select = Statement::prepare(connection, "SELECT issuer FROM crls WHERE revision > 0");
    if (!select) return select.error();
    std::vector<Bytes> all;
    Query query = select->run();
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return all;
        all.push_back(query.blob(0));
    }
}

}  // namespace

Result<std::vector<certs::Certificate>> certificates_of_issuers(
    Connection& connection, const std::vector<std::string>& cas) {
    std::vector<certs::Certificate> all;
    const auto hashes = issuers(connection);
    if (!hashes) return hashes.error();
    Statement revoked, newest;
    const auto prepared = prepare_all(
        connection,
        {{revoked,
          "SELECT c.der FROM (SELECT issuer, serial FROM revocations WHERE issuer = ? LIMIT ?) AS "
          "r JOIN certificates AS c ON c.serial = r.serial AND c.issuer_hash = r.issuer LIMIT 1"},
         {newest,
          "SELECT der FROM certificates WHERE id = (SELECT max(id) FROM certificates WHERE id > "
          "(SELECT max(id) FROM certificates) - ? AND ca = ?)"}});
    if (!prepared) return prepared.error();
    for (const Bytes& hash : *hashes) {
        Query query = revoked.run();
        query.bind(hash).bind(kRevocationsLookedAt);
        if (const auto added = add(query, all); !added) return added.error();
    }
    for (const std::string& ca : cas) {
        Query query = newest.run();
        query.bind(kLookedAt).bind(std::string_view(ca));
        if (const auto added = add(query, all); !added) return added.error();
    }
    return all;
}

}  // namespace scepgate::ca_backend::sql
