#include "ca_backend/sqlite_schema.hpp"

#include <array>

namespace scepgate::ca_backend::sqlite {
namespace {

/// "Scgt": what the file says it is (PRAGMA application_id).
constexpr std::int64_t kApplicationId = 0x53636774;

/// Each takes the schema from its index to the next version. Released ones are never edited.
///
/// certificates: a serial number is unique with its issuer (RFC 5280 section 4.1.2.2). The id grows
/// with each commit, so newest first needs no index over a time.
/// transactions, redemptions: looked up by their key alone, which is random.
constexpr std::array kMigrations = {
    "CREATE TABLE certificates("
    "  id INTEGER PRIMARY KEY,"
    "  serial BLOB NOT NULL CHECK(length(serial) > 0),"
    "  issuer TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  subject_alt_name TEXT NOT NULL,"
    "  not_before INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  issued_at INTEGER NOT NULL,"
    "  endpoint TEXT NOT NULL,"
    "  transaction_id TEXT NOT NULL,"
    "  message_type INTEGER NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  template TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  user_id TEXT NOT NULL,"
    "  der BLOB NOT NULL,"
    "  UNIQUE(serial, issuer)"
    ") STRICT;"
    "CREATE INDEX certificates_by_transaction_id ON certificates(transaction_id);"
    "CREATE TABLE transactions("
    "  key BLOB PRIMARY KEY,"
    "  certificate INTEGER NOT NULL REFERENCES certificates(id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE redemptions("
    "  policy TEXT NOT NULL,"
    "  token BLOB NOT NULL,"
    "  certificate INTEGER NOT NULL REFERENCES certificates(id),"
    "  expires INTEGER NOT NULL,"
    "  PRIMARY KEY(policy, token)"
    ") STRICT, WITHOUT ROWID;",
};

/// SQLite does not wait for locks by itself when the journal mode changes.
Result<void> switch_to_wal(Database& database) {
    constexpr int kAttempts = 250;
    constexpr int kPauseMs = 20;
    for (int attempt = 1;; ++attempt) {
        const auto mode = database.query_text("PRAGMA journal_mode=WAL");
        if (mode) {
            if (*mode == "wal") return {};
            return Error{Errc::kConfig,
                         "the file system does not support SQLite's WAL mode (journal mode is \"" +
                             *mode + "\"); put the store on a local disk"};
        }
        const bool busy = (sqlite3_errcode(database.get()) & 0xFF) == SQLITE_BUSY;
        if (!busy || attempt == kAttempts) return mode.error();
        sqlite3_sleep(kPauseMs);
    }
}

Result<void> migrate(Database& database) {
    // Read again: another process may have been faster.
    const auto version = schema_version(database);
    if (!version) return version.error();
    for (auto next = static_cast<std::size_t>(*version); next < kMigrations.size(); ++next) {
        const auto applied = database.execute(kMigrations[next]);
        if (!applied) return applied.error();
    }
    const std::string stamp = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                              "; PRAGMA user_version=" + std::to_string(current_schema_version());
    return database.execute(stamp.c_str());
}

}  // namespace

std::int64_t current_schema_version() noexcept {
    return static_cast<std::int64_t>(kMigrations.size());
}

Result<std::int64_t> schema_version(Database& database) {
    const auto application = database.query_integer("PRAGMA application_id");
    if (!application) return application.error();
    const auto version = database.query_integer("PRAGMA user_version");
    if (!version) return version.error();
    const auto tables = database.query_integer("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();

    const bool empty = *application == 0 && *version == 0 && *tables == 0;
    if (empty) return 0;
    if (*application != kApplicationId || *version < 1) {
        return Error{Errc::kConfig, "the database of another program; give another file"};
    }
    if (*version > current_schema_version()) {
        return Error{Errc::kConfig, "made by a newer scepgate (schema " + std::to_string(*version) +
                                        ", this one knows up to " +
                                        std::to_string(current_schema_version()) +
                                        "); install that version or restore a backup"};
    }
    return *version;
}

Result<void> upgrade_schema(Database& database) {
    const auto version = schema_version(database);
    if (!version) return version.error();
    if (const auto wal = switch_to_wal(database); !wal) return wal.error();
    if (*version == current_schema_version()) return {};

    if (const auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
    auto done = migrate(database);
    if (done) done = database.execute("COMMIT");
    if (!done && database.in_transaction()) {
        const auto rolled_back = database.execute("ROLLBACK");
        if (!rolled_back) return rolled_back.error();
    }
    return done;
}

}  // namespace scepgate::ca_backend::sqlite
