// The store in a PostgreSQL database, for one node or for several.
#pragma once

#include <memory>

#include "ca_backend/postgres_settings.hpp"
#include "ca_backend/sql_store.hpp"

namespace scepgate::ca_backend {

/// Of each node one thread writes, over a connection of its own, when it has the database's turn to
/// write: what one node looks up before it writes, another one cannot change meanwhile. While the
/// database is away, what is asked fails as kUnavailable; connections that were lost are opened
/// again by whoever needs one. When one is lost during a commit, the next tells how that ended.
class PostgresStore final : public SqlStore {
public:
    using Mode = StoreMode;

    /// kCreateOrOpen makes the tables; kOpenExisting upgrades them. kConfig says what is wrong with
    /// the database (not reached, no tables, made by a newer version) and how to mend it.
    static Result<std::unique_ptr<PostgresStore>> open(const PostgresSettings& settings, Mode mode);

private:
    using SqlStore::SqlStore;
};

/// Finds what open() with kOpenExisting would refuse, and changes nothing.
Result<void> judge_postgres_store(const PostgresSettings& settings);

}  // namespace scepgate::ca_backend
