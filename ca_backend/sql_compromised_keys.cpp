#include "ca_backend/sql_compromised_keys.hpp"

#include "certs/certificate.hpp"
#include "certs/crl.hpp"

namespace scepgate::ca_backend::sql {

Result<CompromisedKeys> CompromisedKeys::prepare(Connection& connection) {
    CompromisedKeys made;
    const auto prepared =
        prepare_all(connection, {{made.find_, "SELECT 1 FROM compromised_keys WHERE key = ?"},
                                 {made.add_,
                                  "INSERT INTO compromised_keys(key, revoked_at) VALUES(?, ?) "
                                  "ON CONFLICT DO NOTHING"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<bool> CompromisedKeys::contains(const Sha256& key) {
    Query query = find_.run();
    return query.bind(ByteView(key)).next();
}

Result<void> CompromisedKeys::add(ByteView certificate_der, std::int64_t revoked_at) {
    const auto certificate = certs::Certificate::from_der(to_bytes(certificate_der));
    if (!certificate) {
        return Error{Errc::kConfig, "a stored certificate cannot be read: " +
                                        certificate.error().detail + "; restore a backup"};
    }
    const Sha256 key = sha256(certificate->spki());
    return add_.run().bind(ByteView(key)).bind(revoked_at).finish();
}

Result<void> find_compromised_keys(Connection& connection) {
    auto keys = CompromisedKeys::prepare(connection);
    if (!keys) return keys.error();
    constexpr auto kReason = static_cast<std::int64_t>(certs::RevocationReason::kKeyCompromise);
    Statement next;
    const auto prepared = prepare_all(
        connection, {{next,
                      "SELECT id, revoked_at, der FROM certificates WHERE id > ? AND revoked_at IS "
                      "NOT NULL AND revocation_reason = ? ORDER BY id LIMIT 1"}});
    if (!prepared) return prepared.error();
    for (std::int64_t id = 0;;) {
        std::int64_t revoked_at = 0;
        Bytes der;
        {
            Query query = next.run();
            const auto found = query.bind(id).bind(kReason).next();
            if (!found) return found.error();
            if (!*found) return {};
            id = query.integer(0);
            revoked_at = query.integer(1);
            der = query.blob(2);
        }
        auto added = keys->add(der, revoked_at);
        // One that cannot be read keeps nobody from upgrading: 'store verify' names it.
        if (!added && added.error().code != Errc::kConfig) return added;
    }
}

}  // namespace scepgate::ca_backend::sql
