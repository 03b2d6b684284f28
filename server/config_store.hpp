// Where the store is, as the configuration says it.
#pragma once

#include <chrono>

#include "server/config_keys.hpp"

namespace scepgate::server {

/// A database of a PostgreSQL server.
struct PostgresConfig {
    std::string conninfo;  ///< libpq's, without a password
    std::optional<SecretSource> password;
    std::size_t connections = 16;  ///< that read, at most; one more writes
    std::chrono::seconds connect_timeout{5};
    std::chrono::seconds statement_timeout{10};
};

}  // namespace scepgate::server
