// Keys that others have: of certificates that were revoked as keyCompromise.
#pragma once

#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

/// compromised_keys: the SHA-256 of each key's SubjectPublicKeyInfo, and when its certificate was
/// revoked. A row stays for ever: the key is known, whatever becomes of the certificate.
inline constexpr auto* kCompromisedKeysSqlite =
    "CREATE TABLE compromised_keys("
    "  key BLOB PRIMARY KEY CHECK(length(key) = 32),"
    "  revoked_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;";
inline constexpr auto* kCompromisedKeysPostgres =
    R"(CREATE TABLE compromised_keys(
  key BYTEA PRIMARY KEY CHECK(length(key) = 32),
  revoked_at BIGINT NOT NULL
);)";

/// For reading, and inside an open write transaction.
class CompromisedKeys {
public:
    static Result<CompromisedKeys> prepare(Connection& connection);

    /// `key`: SHA-256 of a SubjectPublicKeyInfo.
    Result<bool> contains(const Sha256& key);
    /// The key of this certificate. One that is there already stays as it is. kConfig: it cannot be
    /// read.
    Result<void> add(ByteView certificate_der, std::int64_t revoked_at);

private:
    Statement find_;
    Statement add_;
};

/// Those of all certificates that were revoked so before there was this table. Certificates that
/// cannot be read are passed over.
Result<void> find_compromised_keys(Connection& connection);

}  // namespace scepgate::ca_backend::sql
