// SQLite behind owners and Results; nothing here knows of certificates.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include <sqlite3.h>

#include "certs/bytes.hpp"

namespace scepgate::ca_backend::sqlite {

/// One connection, for one thread at a time. Its errors have SQLite's and the system's words.
/// kConflict: a constraint; kInternal: a mistake of ours; kUnavailable: all else (disk, locks,
/// memory, damage).
class Database {
public:
    enum class Access { kReadWrite, kReadOnly };

    /// Opens a file that exists, and sets what holds for the connection: foreign keys, full
    /// synchronisation, waiting for other processes' locks, no trust in the file's schema.
    static Result<Database> open(const std::filesystem::path& file, Access access);

    /// Runs statements that return no rows.
    Result<void> execute(const char* sql);
    /// The one integer that `sql` returns.
    Result<std::int64_t> query_integer(const char* sql);
    /// The one text that `sql` returns.
    Result<std::string> query_text(const char* sql);

    /// True while a transaction is open. SQLite itself ends one on some errors.
    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] std::int64_t last_row_id() const noexcept;
    /// How many rows the last INSERT, UPDATE or DELETE changed.
    [[nodiscard]] std::int64_t changes() const noexcept;
    /// How many rows were changed since the connection was opened.
    [[nodiscard]] std::int64_t total_changes() const noexcept;
    [[nodiscard]] sqlite3* get() const noexcept { return connection_.get(); }

private:
    struct Close {
        void operator()(sqlite3* connection) const noexcept { sqlite3_close_v2(connection); }
    };
    std::unique_ptr<sqlite3, Close> connection_;
};

class Query;

/// A prepared statement, for the thread that uses its Database.
class Statement {
public:
    static Result<Statement> prepare(const Database& database, std::string_view sql);

    /// Starts one run; parameters are bound in their order.
    [[nodiscard]] Query run();

private:
    friend class Query;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

struct Preparation {
    Statement& statement;
    std::string_view sql;
};
Result<void> prepare_all(const Database& database, std::initializer_list<Preparation> all);

/// One run of a statement: reset when it goes out of scope, so that no read transaction stays open.
/// What is bound must stay alive until then.
class Query {
public:
    explicit Query(const Statement& statement) noexcept : statement_(statement) {}
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    ~Query();

    Query& bind(std::int64_t value);
    Query& bind(std::string_view text);
    Query& bind(ByteView blob);
    Query& bind(const Bytes& blob) { return bind(ByteView(blob)); }
    Query& bind(Bytes&& blob) = delete;

    /// True when there is a (next) row.
    Result<bool> next();
    /// For a statement without rows.
    Result<void> finish();

    /// Columns of the current row.
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] Bytes blob(int column) const;

private:
    [[nodiscard]] sqlite3_stmt* get() const noexcept { return statement_.statement_.get(); }
    const Statement& statement_;
    int bound_ = 0;
    int status_ = SQLITE_OK;  ///< the first failure of a bind
};

}  // namespace scepgate::ca_backend::sqlite
