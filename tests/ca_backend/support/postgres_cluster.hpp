// The PostgreSQL that this test program has for itself.
#pragma once

#include <string>

#include "ca_backend/postgres_settings.hpp"

namespace scepgate::ca_backend::testing {

/// A new empty database of it; the first call starts it, the program's end removes it.
PostgresSettings make_postgres_database();

/// How to reach this one of its databases.
PostgresSettings postgres_settings(const std::string& database);

}  // namespace scepgate::ca_backend::testing
