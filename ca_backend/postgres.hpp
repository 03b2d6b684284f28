// PostgreSQL as an engine of the store.
#pragma once

#include <libpq-fe.h>
#include <memory>
#include <string>

#include "ca_backend/postgres_settings.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::postgres {

struct ClearResult {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

/// One connection. Every statement has a deadline, at the server and here; one that was missed here
/// loses the connection. Its errors have PostgreSQL's words and the SQLSTATE.
class Database final : public sql::Connection {
public:
    /// Connects, to a server that can be written, and sets what holds for the session: UTF-8,
    /// commits that wait for the disk, timeouts. kConfig: the server does not write to its disk.
    static Result<std::unique_ptr<Database>> connect(const PostgresSettings& settings);

    Result<std::unique_ptr<sql::Prepared>> prepare(std::string_view sql) override;
    Result<void> execute(const char* sql) override;
    Result<void> begin_snapshot() override;
    /// Waits for the turn: an advisory lock of the database, which other nodes' writers take too.
    Result<void> begin_writing() override;
    /// The same for who changes the tables, which may not be there yet.
    Result<void> begin_changing();
    Result<void> commit() override;
    Result<void> rollback() override;
    [[nodiscard]] std::int64_t total_changes() const noexcept override { return total_changes_; }
    [[nodiscard]] bool must_roll_back() const noexcept override;
    [[nodiscard]] bool is_lost() const noexcept override;
    [[nodiscard]] bool may_succeed_again() const noexcept override { return transient_; }
    [[nodiscard]] std::int64_t clock_ahead() const noexcept override { return clock_ahead_; }
    [[nodiscard]] sql::Turn turn() const override { return {writer_, turns_}; }
    Result<bool> was_committed(const sql::Turn& turn) override;

    /// Returns when all that can be seen now is where a commit of now would be: on the synchronous
    /// standbys, if the server has any. One that was restarted shows what it committed without
    /// them.
    Result<void> wait_for_standbys();

    /// The one integer or text that `sql` returns.
    Result<std::int64_t> query_integer(const char* sql);
    Result<std::string> query_text(const char* sql);

    // For its statements.

    /// The answer to what was sent (`sent`: libpq's word on that), or why there is none.
    Result<ResultPtr> answer(int sent, std::string_view what_was_tried);
    [[nodiscard]] PGconn* get() const noexcept { return connection_.get(); }

private:
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    Database(PGconn* connection, const PostgresSettings& settings);
    Result<void> set_up();
    void note(const PGresult* notice) noexcept;
    Error lose(std::string_view what_was_tried, const std::string& why);
    Error failure(const PGresult* result, std::string_view what_was_tried);

    std::unique_ptr<PGconn, Finish> connection_;
    std::chrono::milliseconds statement_timeout_;
    std::string writer_;      ///< whose turns these are: nobody else's name
    std::int64_t turns_ = 0;  ///< that were begun
    std::int64_t total_changes_ = 0;
    std::int64_t clock_ahead_ = 0;
    std::size_t statements_ = 0;
    bool transient_ = false;  ///< the last failure was somebody else's doing
    bool warned_ = false;     ///< the server did, since this was set
    bool lost_ = false;
};

}  // namespace scepgate::ca_backend::postgres
