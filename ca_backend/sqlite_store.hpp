// The store in one SQLite file.
#pragma once

#include <filesystem>
#include <memory>

#include "ca_backend/sql_store.hpp"

namespace scepgate::ca_backend {

/// SQLite in WAL mode with synchronous=FULL.
///
/// While a store is open, nothing else in this process may open and close the file (to copy or look
/// into it): POSIX then drops the locks that keep other processes out.
class SqliteStore final : public SqlStore {
public:
    using Mode = StoreMode;

    /// Opens and upgrades the schema. kConfig says what is wrong with the file (missing, not a
    /// database, made by a newer version, permissions) and how to mend it.
    static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& file, Mode mode);

private:
    using SqlStore::SqlStore;
};

}  // namespace scepgate::ca_backend
