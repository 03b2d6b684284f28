#include "server/store_opening.hpp"

#include "ca_backend/postgres_store.hpp"
#include "ca_backend/sqlite_store.hpp"
#include "certs/clock.hpp"
#include "server/credentials.hpp"

namespace scepgate::server {

using ca_backend::PostgresSettings;
using ca_backend::PostgresStore;
using ca_backend::SqliteStore;
using ca_backend::SqlStore;

std::string store_path(const Config& config) {
    return config.store_postgresql ? "store.postgresql" : "store.sqlite";
}

std::optional<PostgresSettings> postgres_settings(const Config& config, ConfigFaults& faults) {
    const PostgresConfig& from = config.store_postgresql.value();
    PostgresSettings settings;
    settings.conninfo = from.conninfo;
    settings.readers = from.connections;
    settings.connect_timeout = from.connect_timeout;
    settings.statement_timeout = from.statement_timeout;
    if (from.password) {
        CredentialLoader loader(faults, certs::SystemClock().now());
        auto password = loader.secret_line(*from.password);
        if (!password) return std::nullopt;
        settings.password = std::make_shared<const Secret>(*std::move(password));
    }
    return settings;
}

Result<std::unique_ptr<SqlStore>> open_store(const Config& config, ca_backend::StoreMode mode) {
    if (!config.store_postgresql) {
        auto store = SqliteStore::open(config.store_sqlite, mode);
        if (!store) return store.error();
        return std::unique_ptr<SqlStore>(*std::move(store));
    }
    ConfigFaults faults;
    const auto settings = postgres_settings(config, faults);
    if (!settings) return Error{Errc::kConfig, faults.list().front().text()};
    auto store = PostgresStore::open(*settings, mode);
    if (!store) return store.error();
    return std::unique_ptr<SqlStore>(*std::move(store));
}

}  // namespace scepgate::server
