// The tables of the SQLite store, and how older files are brought up to date.
#pragma once

#include "ca_backend/sqlite.hpp"

namespace scepgate::ca_backend::sqlite {

/// Which version of the schema a file has; 0 for an empty database. kConfig: another program's
/// database, or one of a newer scepgate.
Result<std::int64_t> schema_version(Database& database);

[[nodiscard]] std::int64_t current_schema_version() noexcept;

/// Switches to WAL and applies what is missing, all in one transaction; several processes may do so
/// at once.
Result<void> upgrade_schema(Database& database);

}  // namespace scepgate::ca_backend::sqlite
