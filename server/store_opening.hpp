// Opens the store that a configuration names, whichever engine it has.
#pragma once

#include "ca_backend/postgres_settings.hpp"
#include "ca_backend/sql_store.hpp"
#include "server/config.hpp"

namespace scepgate::server {

/// "store.sqlite" or "store.postgresql": what faults are told of.
[[nodiscard]] std::string store_path(const Config& config);

/// How to reach the database; null after a fault of its password. For Config::store_postgresql.
[[nodiscard]] std::optional<ca_backend::PostgresSettings> postgres_settings(const Config& config,
                                                                            ConfigFaults& faults);

/// kConfig says what is wrong with the store, and how to mend it.
[[nodiscard]] Result<std::unique_ptr<ca_backend::SqlStore>> open_store(const Config& config,
                                                                       ca_backend::StoreMode mode);

}  // namespace scepgate::server
