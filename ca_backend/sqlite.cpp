#include "ca_backend/sqlite.hpp"

#include <sys/stat.h>
#include <system_error>

namespace scepgate::ca_backend::sqlite {
namespace {

/// How long to wait for another process's write transaction.
constexpr int kBusyTimeoutMs = 5000;

/// Of the write-ahead log, before it is moved: pages that one enrolment after the other changes are
/// moved once.
constexpr std::int64_t kLongLogOctets = 16'384'000;

/// Extended codes have the primary one in their low octet.
int primary_code(int status) {
    return status & 0xFF;
}

Errc classify(int status) {
    switch (primary_code(status)) {
        case SQLITE_CONSTRAINT:
            return Errc::kConflict;
        case SQLITE_ERROR:
        case SQLITE_MISUSE:
        case SQLITE_RANGE:
        case SQLITE_MISMATCH:
        case SQLITE_TOOBIG:
            return Errc::kInternal;
        default:
            return Errc::kUnavailable;
    }
}

Error make_error(std::string_view what, int status, const char* words, int system_error = 0) {
    // A long statement would push the reason out of the log's line.
    constexpr std::size_t kMost = 80;
    std::string detail(what.substr(0, kMost));
    if (what.size() > kMost) detail += "...";
    detail += ": " + std::string(words) + " (SQLite code " + std::to_string(status);
    if (system_error != 0) detail += ", " + std::generic_category().message(system_error);
    return {classify(status), detail + ")"};
}

/// Where it happened, and what to do about it.
std::string remedy(sqlite3* connection, int primary) {
    const char* name = sqlite3_db_filename(connection, "main");
    const std::string file = name == nullptr ? "the store" : name;
    switch (primary) {
        case SQLITE_FULL:
            return "; the disk of " + file + " is full: make room, nothing else is needed";
        case SQLITE_READONLY:
            return "; " + file + " can only be read: look at its mount, owner and mode";
        case SQLITE_IOERR:
            return "; " + file + " or its log cannot be read or written: look at the disk";
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return "; " + file +
                   " is damaged: stop the server, keep the file and restore a backup "
                   "(docs/backup.md)";
        default:
            return "";
    }
}

Error last_error(sqlite3* connection, std::string_view what_was_tried) {
    const int status = sqlite3_extended_errcode(connection);
    const int primary = primary_code(status);
    const bool of_system =
        primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_FULL;
    Error error = make_error(what_was_tried, status, sqlite3_errmsg(connection),
                             of_system ? sqlite3_system_errno(connection) : 0);
    error.detail += remedy(connection, primary);
    return error;
}

/// Of an INSERT of one row: SQLite makes a table for what it returns, and copies each page before
/// it changes it, to be able to undo half a statement. It knows the id without that.
constexpr std::string_view kReturningId = " RETURNING id";

bool inserts_and_returns_id(std::string_view sql) {
    return sql.starts_with("INSERT INTO ") && sql.ends_with(kReturningId) &&
           sql.find("VALUES") != std::string_view::npos &&
           sql.find("CONFLICT") == std::string_view::npos;
}

class PreparedStatement final : public sql::Prepared {
public:
    PreparedStatement(sqlite3_stmt* statement, bool gives_id)
        : statement_(statement), gives_id_(gives_id) {}

    void bind(int parameter, std::int64_t value) override {
        note(sqlite3_bind_int64(get(), parameter, value));
    }
    void bind(int parameter, std::string_view text) override {
        // A null pointer would be NULL, not the empty text.
        const char* data = text.data() == nullptr ? "" : text.data();
        note(sqlite3_bind_text64(get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
    }
    void bind(int parameter, ByteView blob) override {
        const void* data = blob.data() == nullptr ? "" : static_cast<const void*>(blob.data());
        note(sqlite3_bind_blob64(get(), parameter, data, blob.size(), SQLITE_STATIC));
    }

    Result<bool> next() override {
        if (status_ != SQLITE_OK) {
            return make_error("binding a parameter", status_, sqlite3_errstr(status_));
        }
        if (id_) return false;
        switch (sqlite3_step(get())) {
            case SQLITE_ROW:
                return true;
            case SQLITE_DONE:
                if (gives_id_) id_ = sqlite3_last_insert_rowid(sqlite3_db_handle(get()));
                return gives_id_;
            default:
                return last_error(sqlite3_db_handle(get()), sqlite3_sql(get()));
        }
    }
    void reset() noexcept override {
        // Both only repeat what step() has told already.
        sqlite3_reset(get());
        sqlite3_clear_bindings(get());
        status_ = SQLITE_OK;
        id_.reset();
    }

    [[nodiscard]] std::int64_t changes() const override {
        return sqlite3_changes64(sqlite3_db_handle(get()));
    }
    [[nodiscard]] bool is_null(int column) const override {
        return sqlite3_column_type(get(), column) == SQLITE_NULL;
    }
    [[nodiscard]] std::int64_t integer(int column) const override {
        return id_ ? *id_ : sqlite3_column_int64(get(), column);
    }
    [[nodiscard]] std::string text(int column) const override {
        const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(get(), column));
        if (data == nullptr) return {};
        return {data, static_cast<std::size_t>(sqlite3_column_bytes(get(), column))};
    }
    [[nodiscard]] Bytes blob(int column) const override {
        const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(get(), column));
        if (data == nullptr) return {};
        return {data, data + sqlite3_column_bytes(get(), column)};
    }

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
    };
    [[nodiscard]] sqlite3_stmt* get() const noexcept { return statement_.get(); }
    void note(int status) noexcept {
        if (status_ == SQLITE_OK) status_ = status;
    }

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    bool gives_id_;
    std::optional<std::int64_t> id_;  ///< once it has run
    int status_ = SQLITE_OK;          ///< the first failure of a bind
};

int note_log_pages(void* noted, sqlite3*, const char*, int pages) {
    *static_cast<int*>(noted) = pages;
    return SQLITE_OK;
}

}  // namespace

Result<Database> Database::open(const std::filesystem::path& file, Access access) {
    const int flags = (access == Access::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    // Else each of its allocations takes a lock of the whole process, for figures that nobody
    // reads.
    [[maybe_unused]] static const int no_statistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3* raw = nullptr;
    // Absolute, so that no name is taken for a URI or for memory.
    const std::string name = std::filesystem::absolute(file).string();
    const int status = sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
    Database database;
    database.connection_.reset(raw);
    if (status != SQLITE_OK) {
        if (raw == nullptr) return make_error("opening", status, sqlite3_errstr(status));
        return last_error(raw, "opening");
    }
    // SQLite opens what it cannot write for reading, without a word.
    if (access == Access::kReadWrite && sqlite3_db_readonly(raw, "main") != 0) {
        return Error{Errc::kUnavailable, "opening: the file cannot be written"};
    }
    sqlite3_busy_timeout(raw, kBusyTimeoutMs);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    const auto set_up = database.execute(
        "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; "
        "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864");
    if (!set_up) return last_error(raw, "opening");
    // Pages of 2 KiB, where the file is new: in a large store an enrolment changes three pages of
    // its own for one row of an index each, and a page is written whole, twice
    // (bench/results/store_growth.md). A cache in KiB: of a large store the default 2 MiB would
    // read most pages anew for each commit.
    if (access == Access::kReadWrite) {
        const auto set = database.execute("PRAGMA page_size=2048; PRAGMA cache_size=-16384");
        if (!set) return set.error();
    }
    // In place of the automatic checkpoint, which devices would wait for: tidy_up().
    sqlite3_wal_hook(raw, note_log_pages, database.log_pages_.get());
    return database;
}

Result<void> Database::execute(const char* sql) {
    if (sqlite3_exec(get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return last_error(get(), sql);
    return {};
}

Result<std::int64_t> Database::query_integer(const char* sql) {
    auto statement = Statement::prepare(*this, sql);
    if (!statement) return statement.error();
    Query query = statement->run();
    const auto row = query.next();
    if (!row) return row.error();
    return query.integer(0);
}

Result<std::string> Database::query_text(const char* sql) {
    auto statement = Statement::prepare(*this, sql);
    if (!statement) return statement.error();
    Query query = statement->run();
    const auto row = query.next();
    if (!row) return row.error();
    return query.text(0);
}

bool Database::in_transaction() const noexcept {
    return sqlite3_get_autocommit(get()) == 0;
}

std::int64_t Database::total_changes() const noexcept {
    return sqlite3_total_changes64(get());
}

Result<std::unique_ptr<sql::Prepared>> Database::prepare(std::string_view sql) {
    const bool gives_id = inserts_and_returns_id(sql);
    if (gives_id) sql.remove_suffix(kReturningId.size());
    sqlite3_stmt* raw = nullptr;
    const int status = sqlite3_prepare_v3(get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (status != SQLITE_OK) return last_error(get(), "preparing a statement");
    return std::unique_ptr<sql::Prepared>(std::make_unique<PreparedStatement>(raw, gives_id));
}

Result<void> Database::run(std::optional<Statement>& bracket, const char* sql) {
    if (!bracket) {
        auto prepared = Statement::prepare(*this, sql);
        if (!prepared) return prepared.error();
        bracket = *std::move(prepared);
    }
    return bracket->run().finish();
}

Result<void> Database::begin_snapshot() {
    return execute("BEGIN");
}

Result<void> Database::begin_writing() {
    return run(begin_, "BEGIN IMMEDIATE");
}

Result<void> Database::check_files() {
    const char* name = sqlite3_db_filename(get(), "main");
    int moved = 0;
    sqlite3_file_control(get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    const std::string log = sqlite3_filename_wal(name);
    struct stat status {};
    const bool has_log = ::stat(log.c_str(), &status) == 0;
    if (has_log && log_inode_ == 0) log_inode_ = status.st_ino;
    const bool log_moved = log_inode_ != 0 && (!has_log || status.st_ino != log_inode_);
    if (moved == 0 && !log_moved) return {};
    return Error{Errc::kUnavailable,
                 (moved != 0 ? std::string(name) : log) +
                     " was deleted, moved or replaced while it was in use; put it back where it "
                     "was, or stop the server and restore a backup (docs/backup.md)"};
}

Result<void> Database::commit() {
    if (auto here = check_files(); !here) return here;
    return run(commit_, "COMMIT");
}

void Database::tidy_up() noexcept {
    if (page_octets_ == 0) {
        const auto size = query_integer("PRAGMA page_size");
        if (!size) return;  // the next commit says why
        page_octets_ = *size;
    }
    if (*log_pages_ * page_octets_ < kLongLogOctets) return;
    // What a reader still needs stays for the next time.
    sqlite3_wal_checkpoint_v2(get(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

Result<void> Database::rollback() {
    if (!in_transaction()) return {};
    return run(rollback_, "ROLLBACK");
}

}  // namespace scepgate::ca_backend::sqlite
