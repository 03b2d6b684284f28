// The tables of a store in PostgreSQL, and how older ones are brought up to date.
#pragma once

#include "ca_backend/postgres.hpp"

namespace scepgate::ca_backend::postgres {

/// Which version of the schema the database has; 0: none. Versions are those of SQLite's files.
/// kConfig: one of a newer scepgate.
Result<std::int64_t> schema_version(Database& database);

[[nodiscard]] std::int64_t current_schema_version() noexcept;

/// Makes what is missing, all in one transaction, while nobody writes; several nodes may do so at
/// once.
Result<void> upgrade_schema(Database& database);

}  // namespace scepgate::ca_backend::postgres
