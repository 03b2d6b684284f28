#include "tests/ca_backend/support/place.hpp"

#include "ca_backend/postgres.hpp"
#include "ca_backend/postgres_store.hpp"
#include "ca_backend/sqlite.hpp"
#include "tests/ca_backend/support/postgres_cluster.hpp"

namespace scepgate::ca_backend::testing {

Place::Place(Engine engine) {
    if (engine == Engine::kPostgres) settings_ = make_postgres_database();
}

Place::~Place() = default;

std::unique_ptr<SqlStore> Place::open(StoreMode mode) const {
    if (settings_) return PostgresStore::open(*settings_, mode).value();
    return SqliteStore::open(file_, mode).value();
}

std::unique_ptr<sql::Connection> Place::connect() const {
    if (settings_) return postgres::Database::connect(*settings_).value();
    return std::make_unique<sqlite::Database>(
        sqlite::Database::open(file_, sqlite::Database::Access::kReadWrite).value());
}

}  // namespace scepgate::ca_backend::testing
