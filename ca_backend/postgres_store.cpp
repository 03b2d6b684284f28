#include "ca_backend/postgres_store.hpp"

#include <mutex>
#include <optional>

#include "ca_backend/postgres.hpp"
#include "ca_backend/postgres_schema.hpp"
#include "ca_backend/sql_writer.hpp"

namespace scepgate::ca_backend {
namespace {

using PostgresDatabase = postgres::Database;

Error bad_database(const PostgresSettings& settings, const Error& error) {
    const std::string store = "store " + describe_conninfo(settings.conninfo) + ": ";
    if (error.code == Errc::kConfig) return {Errc::kConfig, store + error.detail};
    return {Errc::kConfig, store + error.detail +
                               "; check that the server runs, the connection string, the user, its "
                               "password and its rights (docs/postgresql.md)"};
}

Error no_tables() {
    return {Errc::kConfig,
            "it has no tables of scepgate; make them with `scepgate store create --config F`, or "
            "restore a backup"};
}

/// A connection to tables of the version that this program knows.
Result<std::unique_ptr<PostgresDatabase>> connect_checked(const PostgresSettings& settings) {
    auto database = PostgresDatabase::connect(settings);
    if (!database) return database.error();
    const auto version = postgres::schema_version(**database);
    if (!version) return version.error();
    if (*version == 0) return no_tables();
    if (*version != postgres::current_schema_version()) {
        return Error{Errc::kConfig,
                     "made by an older scepgate; start the server of this version, or run "
                     "`scepgate store create`, to upgrade it"};
    }
    return database;
}

/// The writer's, each of whose transactions is committed anew, whatever it has seen.
Result<std::unique_ptr<sql::Connection>> connect_to_write(const PostgresSettings& settings) {
    auto database = connect_checked(settings);
    if (!database) return database.error();
    return std::unique_ptr<sql::Connection>(*std::move(database));
}

/// What its connections read may be released, if `releases`: so it has to be on the standbys. While
/// the database is away, not every request shall wait until that is known again.
class ReaderConnector {
public:
    ReaderConnector(const PostgresSettings& settings, bool releases)
        : settings_(settings), releases_(releases) {}

    Result<std::unique_ptr<sql::Connection>> connect() {
        constexpr std::chrono::seconds kPause{1};
        {
            const std::lock_guard lock(mutex_);
            const bool soon = std::chrono::steady_clock::now() < failed_at_ + kPause;
            if (failure_ && (soon || trying_ > 0)) return *failure_;
            ++trying_;
        }
        auto connection = connect_to_read();
        const std::lock_guard lock(mutex_);
        --trying_;
        failure_.reset();
        if (connection) return connection;
        failed_at_ = std::chrono::steady_clock::now();
        failure_ = Error{Errc::kUnavailable, "store: " + connection.error().detail};
        return *failure_;
    }

private:
    [[nodiscard]] Result<std::unique_ptr<sql::Connection>> connect_to_read() const {
        auto database = connect_checked(settings_);
        if (!database) return database.error();
        if (releases_) {
            if (const auto there = (*database)->wait_for_standbys(); !there) return there.error();
        }
        return std::unique_ptr<sql::Connection>(*std::move(database));
    }

    const PostgresSettings settings_;
    const bool releases_;
    std::mutex mutex_;
    std::size_t trying_ = 0;
    std::optional<Error> failure_;
    std::chrono::steady_clock::time_point failed_at_;
};

Result<std::unique_ptr<PostgresDatabase>> open_existing(const PostgresSettings& settings,
                                                        StoreMode mode) {
    if (mode == StoreMode::kOpenCurrent) return connect_checked(settings);
    auto database = PostgresDatabase::connect(settings);
    if (!database) return database.error();
    const auto version = postgres::schema_version(**database);
    if (!version) return version.error();
    if (*version == 0 && mode != StoreMode::kCreateOrOpen) return no_tables();
    if (*version != postgres::current_schema_version()) {
        // An index over millions of rows takes longer than any request may.
        PostgresSettings patient = settings;
        patient.statement_timeout = std::chrono::hours(24);
        auto upgrading = PostgresDatabase::connect(patient);
        if (!upgrading) return upgrading.error();
        if (const auto upgraded = postgres::upgrade_schema(**upgrading); !upgraded)
            return upgraded.error();
    }
    return database;
}

}  // namespace

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(const PostgresSettings& settings,
                                                           Mode mode) {
    std::unique_ptr<sql::Writer> writer;
    if (mode == Mode::kReadOnly) {
        if (const auto checked = connect_checked(settings); !checked)
            return bad_database(settings, checked.error());
    } else {
        auto database = open_existing(settings, mode);
        if (!database) return bad_database(settings, database.error());
        auto started = sql::Writer::start(*std::move(database),
                                          [settings] { return connect_to_write(settings); });
        if (!started) return bad_database(settings, started.error());
        writer = *std::move(started);
    }
    const auto connector = std::make_shared<ReaderConnector>(settings, mode != Mode::kReadOnly);
    return std::unique_ptr<PostgresStore>(new PostgresStore(
        std::move(writer), [connector] { return connector->connect(); }, settings.readers));
}

Result<void> judge_postgres_store(const PostgresSettings& settings) {
    auto database = PostgresDatabase::connect(settings);
    if (!database) return bad_database(settings, database.error());
    const auto version = postgres::schema_version(**database);
    if (!version) return bad_database(settings, version.error());
    if (*version == 0) return bad_database(settings, no_tables());
    return {};
}

}  // namespace scepgate::ca_backend
