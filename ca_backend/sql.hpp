// SQL behind owners and Results, whatever the engine; nothing here knows of certificates.
//
// Statements are written so that every engine understands them: parameters are `?`, or `?1`, `?2` …
// where one is used twice; ids come by RETURNING; integers have 64 bits.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "certs/bytes.hpp"

namespace scepgate::ca_backend::sql {

/// A statement as its engine has it. Only Query uses it.
class Prepared {
public:
    virtual ~Prepared() = default;

    /// Parameters count from 1; what is bound stays alive until reset(). next() tells of failures.
    virtual void bind(int parameter, std::int64_t value) = 0;
    virtual void bind(int parameter, std::string_view text) = 0;
    virtual void bind(int parameter, ByteView blob) = 0;

    /// True when there is a (next) row.
    virtual Result<bool> next() = 0;
    virtual void reset() noexcept = 0;

    /// How many rows the run has inserted, changed or removed.
    [[nodiscard]] virtual std::int64_t changes() const = 0;
    /// Columns of the current row, from 0.
    [[nodiscard]] virtual bool is_null(int column) const = 0;
    [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
    [[nodiscard]] virtual std::string text(int column) const = 0;
    [[nodiscard]] virtual Bytes blob(int column) const = 0;
};

/// A transaction that wrote: which connection began it, and as its how-many-eth.
struct Turn {
    std::string writer;
    std::int64_t number = 0;
};

/// One connection, for one thread at a time. Errors have the engine's words. kConflict: a
/// constraint; kInternal: a mistake of ours; kUnavailable: all else (disk, locks, network, damage).
class Connection {
public:
    virtual ~Connection() = default;

    virtual Result<std::unique_ptr<Prepared>> prepare(std::string_view sql) = 0;
    /// Runs statements that return no rows.
    virtual Result<void> execute(const char* sql) = 0;

    /// From its first look-up to rollback() all is seen as it was committed then, whatever others
    /// write.
    virtual Result<void> begin_snapshot() = 0;
    /// From here on nobody else writes, in whatever process, so what is looked up stays true until
    /// the end.
    virtual Result<void> begin_writing() = 0;
    /// What was written is durable when this returns.
    virtual Result<void> commit() = 0;
    /// Housekeeping that nobody waits for, after what was committed has been told of. What fails
    /// now is tried again the next time.
    virtual void tidy_up() noexcept {}
    /// Does nothing when no transaction is open: an engine itself ends one on some errors.
    virtual Result<void> rollback() = 0;

    /// How many rows were written since the connection was opened.
    [[nodiscard]] virtual std::int64_t total_changes() const noexcept = 0;
    /// True when the open transaction can only be rolled back, because a statement failed in it.
    [[nodiscard]] virtual bool must_roll_back() const noexcept = 0;

    // What only a database over a network needs.

    /// True when nothing can be done with it any more; another may well be had.
    [[nodiscard]] virtual bool is_lost() const noexcept { return false; }
    /// True when the last failure was others' doing (a deadlock): the same may succeed now.
    [[nodiscard]] virtual bool may_succeed_again() const noexcept { return false; }
    /// Seconds by which this machine's clock was ahead of the database's own when begin_writing()
    /// had the turn; 0 where that has none.
    [[nodiscard]] virtual std::int64_t clock_ahead() const noexcept { return 0; }
    /// The last that begin_writing() began. When the connection is lost during commit(), another
    /// connection's was_committed() tells how it ended.
    [[nodiscard]] virtual Turn turn() const { return {}; }
    virtual Result<bool> was_committed(const Turn& turn);

protected:
    Connection() = default;
    Connection(Connection&&) = default;
    Connection& operator=(Connection&&) = default;
};

/// Opens another connection to the same database.
using Connect = std::function<Result<std::unique_ptr<Connection>>()>;

class Query;

/// A prepared statement, for the thread that uses its Connection, which must outlive it.
class Statement {
public:
    static Result<Statement> prepare(Connection& connection, std::string_view sql);

    /// Starts one run; parameters are bound in their order.
    [[nodiscard]] Query run();

private:
    std::unique_ptr<Prepared> prepared_;
};

struct Preparation {
    Statement& statement;
    std::string_view sql;
};
Result<void> prepare_all(Connection& connection, std::initializer_list<Preparation> all);

/// One run of a statement: reset when it goes out of scope, so that no read transaction stays open.
/// What is bound must stay alive until then.
class Query {
public:
    explicit Query(Prepared& prepared) noexcept : prepared_(prepared) {}
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    ~Query() { prepared_.reset(); }

    Query& bind(std::int64_t value);
    Query& bind(std::string_view text);
    Query& bind(ByteView blob);
    Query& bind(const Bytes& blob) { return bind(ByteView(blob)); }
    Query& bind(Bytes&& blob) = delete;

    /// True when there is a (next) row.
    Result<bool> next() { return prepared_.next(); }
    /// For a statement without rows.
    Result<void> finish();
    /// For an INSERT … RETURNING id: runs it to its end, and gives the id.
    Result<std::int64_t> finish_returning();
    /// How many rows it has inserted, changed or removed.
    [[nodiscard]] std::int64_t changes() const { return prepared_.changes(); }

    /// Columns of the current row.
    [[nodiscard]] bool is_null(int column) const { return prepared_.is_null(column); }
    [[nodiscard]] std::int64_t integer(int column) const { return prepared_.integer(column); }
    [[nodiscard]] std::string text(int column) const { return prepared_.text(column); }
    [[nodiscard]] Bytes blob(int column) const { return prepared_.blob(column); }

private:
    Prepared& prepared_;
    int bound_ = 0;
};

}  // namespace scepgate::ca_backend::sql
