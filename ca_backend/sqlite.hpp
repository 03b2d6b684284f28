// SQLite as an engine of the store.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sqlite {

using sql::Query;
using sql::Statement;

/// A connection to one file. Its errors have SQLite's and the system's words.
class Database final : public sql::Connection {
public:
    enum class Access { kReadWrite, kReadOnly };

    /// Opens a file that exists, and sets what holds for the connection: foreign keys, full
    /// synchronisation, waiting for other processes' locks, no trust in the file's schema.
    static Result<Database> open(const std::filesystem::path& file, Access access);

    Result<std::unique_ptr<sql::Prepared>> prepare(std::string_view sql) override;
    Result<void> execute(const char* sql) override;
    Result<void> begin_snapshot() override;
    Result<void> begin_writing() override;
    Result<void> commit() override;
    /// Moves what the write-ahead log has into the file, once it is long.
    void tidy_up() noexcept override;
    Result<void> rollback() override;
    [[nodiscard]] std::int64_t total_changes() const noexcept override;
    /// SQLite undoes the statement that failed, or the whole transaction: never the half of it.
    [[nodiscard]] bool must_roll_back() const noexcept override { return false; }

    /// The one integer that `sql` returns.
    Result<std::int64_t> query_integer(const char* sql);
    /// The one text that `sql` returns.
    Result<std::string> query_text(const char* sql);

    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] sqlite3* get() const noexcept { return connection_.get(); }

private:
    struct Close {
        void operator()(sqlite3* connection) const noexcept { sqlite3_close_v2(connection); }
    };
    /// Whether what is written goes where others, and the next start, will look for it: a file that
    /// was deleted, moved or replaced takes all commits, and keeps none. kUnavailable.
    Result<void> check_files();
    /// One of the last three, prepared when it is first run.
    Result<void> run(std::optional<Statement>& bracket, const char* sql);

    std::unique_ptr<int> log_pages_ = std::make_unique<int>(0);  ///< after the last commit
    std::unique_ptr<sqlite3, Close> connection_;
    std::optional<Statement> begin_, commit_, rollback_;
    std::int64_t page_octets_ = 0;  ///< of the file; 0: not asked yet
    std::uint64_t log_inode_ = 0;   ///< of the write-ahead log; 0: not written to yet
};

}  // namespace scepgate::ca_backend::sqlite
