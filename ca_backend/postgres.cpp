#include "ca_backend/postgres.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <poll.h>

#include "ca_backend/postgres_statement.hpp"
#include "certs/clock.hpp"

namespace scepgate::ca_backend::postgres {
namespace {

/// "Scgt": who writes to the store has this lock of its database.
constexpr auto* kTakeTurn = "SELECT pg_advisory_xact_lock(1399023476)";
static_assert(0x53636774 == 1399023476);

/// The server ends a statement at its own deadline; this much later it is not there any more.
constexpr std::chrono::seconds kServerIsLate{3};

/// Names of those who have ended long ago.
constexpr auto* kForgetWriters =
    "DELETE FROM write_turns WHERE at < extract(epoch FROM now())::bigint - 604800";

std::string one_line(const char* words) {
    std::string line = words == nullptr ? "" : words;
    while (!line.empty() && line.back() == '\n')
        line.pop_back();
    for (char& c : line) {
        if (c == '\n') c = ' ';
    }
    return line;
}

/// SQLSTATE: the first two characters are its class.
Errc classify(std::string_view state) {
    const std::string_view kind = state.substr(0, 2);
    if (kind == "23") return Errc::kConflict;
    // Privileges are the operator's to mend, and a plan that a new schema outdated is made again.
    if (state == "42501") return Errc::kUnavailable;
    // 54: more than an index or a table takes. It will not fit later either, and is nobody else's.
    if (kind == "42" || kind == "22" || kind == "21" || kind == "54") return Errc::kInternal;
    return Errc::kUnavailable;
}

/// The session is of no use any more, though the connection may still stand: it is being shut down,
/// the server has become a standby, or does not know what was prepared.
bool ends_session(std::string_view state) {
    constexpr std::array<std::string_view, 5> kStates{"25006", "57P01", "57P02", "57P03", "25P03"};
    for (const std::string_view one : kStates) {
        if (state == one) return true;
    }
    return state.starts_with("08") || state == "0A000" || state == "26000";
}

/// Serialisation failure, deadlock: others were in the way.
bool is_transient(std::string_view state) {
    return state == "40001" || state == "40P01";
}

}  // namespace

Database::Database(PGconn* connection, const PostgresSettings& settings)
    : connection_(connection), statement_timeout_(settings.statement_timeout) {}

Result<std::unique_ptr<Database>> Database::connect(const PostgresSettings& settings) {
    const std::string connect_timeout = std::to_string(settings.connect_timeout.count());
    const std::string network_timeout =
        std::to_string((settings.statement_timeout + kServerIsLate).count());
    // What stands before dbname are defaults of ours, what stands behind it holds.
    const std::string password(settings.password ? settings.password->text() : "");
    const std::array keywords{"application_name",
                              "connect_timeout",
                              "tcp_user_timeout",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "gssencmode",
                              "target_session_attrs",
                              "dbname",
                              "client_encoding",
                              "password",
                              static_cast<const char*>(nullptr)};
    const std::array values{"scepgate",
                            connect_timeout.c_str(),
                            network_timeout.c_str(),
                            "10",
                            "5",
                            "3",
                            "disable",
                            "read-write",
                            settings.conninfo.c_str(),
                            "UTF8",
                            password.c_str(),
                            static_cast<const char*>(nullptr)};
    std::unique_ptr<Database> database(
        new Database(PQconnectdbParams(keywords.data(), values.data(), 1), settings));
    if (database->get() == nullptr) return Error{Errc::kUnavailable, "connecting: no memory"};
    if (PQstatus(database->get()) != CONNECTION_OK) {
        return Error{Errc::kUnavailable,
                     "connecting: " + one_line(PQerrorMessage(database->get()))};
    }
    // libpq would print them.
    PQsetNoticeReceiver(
        database->get(),
        [](void* of, const PGresult* notice) { static_cast<Database*>(of)->note(notice); },
        database.get());
    if (const auto done = database->set_up(); !done) return done.error();
    database->writer_ = to_hex(random_bytes(16));
    return database;
}

Result<void> Database::set_up() {
    const auto on_disk = query_text("SELECT current_setting('fsync')");
    if (!on_disk) return on_disk.error();
    if (*on_disk != "on") {
        return Error{Errc::kConfig,
                     "the server runs with fsync=off: what it has committed is lost when it stops; "
                     "set fsync=on"};
    }
    const std::string timeout = std::to_string(statement_timeout_.count());
    // A stronger synchronous_commit stays. Who has the turn and is gone loses it.
    const std::string settings =
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local');"
        "SET statement_timeout = " +
        timeout +
        ";"
        "SET lock_timeout = " +
        timeout +
        ";"
        "SET idle_in_transaction_session_timeout = " +
        timeout +
        ";"
        "SET default_transaction_isolation = 'read committed';"
        "SET standard_conforming_strings = on";
    return execute(settings.c_str());
}

Error Database::lose(std::string_view what_was_tried, const std::string& why) {
    lost_ = true;
    return {Errc::kUnavailable, std::string(what_was_tried) + ": " + why};
}

Error Database::failure(const PGresult* result, std::string_view what_was_tried) {
    const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string state = field == nullptr ? "" : field;
    const char* words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const std::string said =
        words == nullptr ? one_line(PQresultErrorMessage(result)) : one_line(words);
    transient_ = is_transient(state);
    if (state.empty() || ends_session(state) || PQstatus(get()) != CONNECTION_OK) lost_ = true;
    std::string detail = std::string(what_was_tried) + ": " + said;
    if (!state.empty()) detail += " (SQLSTATE " + state + ")";
    if (lost_) return {Errc::kUnavailable, detail};
    return {classify(state), detail};
}

Result<ResultPtr> Database::answer(int sent, std::string_view what_was_tried) {
    transient_ = false;
    if (sent == 0) return lose(what_was_tried, one_line(PQerrorMessage(get())));
    const auto deadline = std::chrono::steady_clock::now() + statement_timeout_ + kServerIsLate;
    ResultPtr last;
    for (;;) {
        while (PQisBusy(get()) != 0) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                deadline - std::chrono::steady_clock::now());
            pollfd waiting{PQsocket(get()), POLLIN, 0};
            const int ready =
                left.count() > 0 ? ::poll(&waiting, 1, static_cast<int>(left.count())) : 0;
            if (ready < 0 && errno == EINTR) continue;
            if (ready <= 0) return lose(what_was_tried, "the server has not answered in time");
            if (PQconsumeInput(get()) == 0)
                return lose(what_was_tried, one_line(PQerrorMessage(get())));
        }
        ResultPtr next(PQgetResult(get()));
        if (!next) break;
        const std::string_view done = PQcmdStatus(next.get());
        if (done.starts_with("INSERT") || done.starts_with("UPDATE") ||
            done.starts_with("DELETE")) {
            const std::string_view count = PQcmdTuples(next.get());
            std::int64_t rows = 0;
            std::from_chars(count.data(), count.data() + count.size(), rows);
            total_changes_ += rows;
        }
        // The first failure is the one to tell of.
        const auto failed = [](const ResultPtr& result) {
            const ExecStatusType status = PQresultStatus(result.get());
            return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
        };
        if (!last || !failed(last)) last = std::move(next);
    }
    if (!last) return lose(what_was_tried, one_line(PQerrorMessage(get())));
    const ExecStatusType status = PQresultStatus(last.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return last;
    return failure(last.get(), what_was_tried);
}

Result<std::unique_ptr<sql::Prepared>> Database::prepare(std::string_view sql) {
    return std::unique_ptr<sql::Prepared>(
        std::make_unique<PreparedStatement>(*this, "s" + std::to_string(++statements_), sql));
}

Result<void> Database::execute(const char* sql) {
    const auto done = answer(PQsendQuery(get(), sql), sql);
    if (!done) return done.error();
    return {};
}

Result<void> Database::begin_snapshot() {
    return execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

Result<void> Database::begin_writing() {
    ++turns_;
    // Each statement sees what was committed before it began: all that the turn's last holder
    // wrote.
    const std::string sql = std::string("BEGIN;") + kTakeTurn + ";" +
                            (turns_ == 1 ? std::string(kForgetWriters) + ";" : "") +
                            "INSERT INTO write_turns(writer, turn, at) VALUES('" + writer_ + "', " +
                            std::to_string(turns_) +
                            ", extract(epoch FROM now())::bigint) ON CONFLICT(writer) DO UPDATE "
                            "SET turn = excluded.turn, at = excluded.at "
                            // Not now(), which is from before the wait for the turn.
                            "RETURNING extract(epoch FROM clock_timestamp())::bigint";
    const auto now = query_integer(sql.c_str());
    if (!now) return now.error();
    clock_ahead_ = certs::SystemClock().now() - *now;
    return {};
}

Result<void> Database::begin_changing() {
    return execute((std::string("BEGIN;") + kTakeTurn).c_str());
}

void Database::note(const PGresult* notice) noexcept {
    const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    warned_ = warned_ || (severity != nullptr && std::string_view(severity) == "WARNING");
}

Result<void> Database::commit() {
    warned_ = false;
    const auto done = answer(PQsendQuery(get(), "COMMIT"), "COMMIT");
    if (!done) return done.error();
    // So the server answers, too, when an operator ended its wait for the standbys.
    if (warned_) return lose("COMMIT", "the server does not say that the standbys have it");
    // The server answers so when a statement has failed before.
    if (std::string_view(PQcmdStatus(done->get())) == "COMMIT") return {};
    return Error{Errc::kInternal, "COMMIT: the server has rolled the transaction back"};
}

Result<void> Database::rollback() {
    if (lost_ || PQtransactionStatus(get()) == PQTRANS_IDLE) return {};
    auto done = execute("ROLLBACK");
    if (!done) lost_ = true;
    return done;
}

bool Database::must_roll_back() const noexcept {
    return lost_ || PQtransactionStatus(get()) == PQTRANS_INERROR;
}

bool Database::is_lost() const noexcept {
    return lost_ || PQstatus(get()) != CONNECTION_OK;
}

Result<bool> Database::was_committed(const sql::Turn& turn) {
    // Whoever has the turn may still be about to commit: after them is when to look. And what a
    // server has committed that waited for its standbys when it stopped, it shows without them: but
    // not before they have it does it commit this.
    if (const auto begun = begin_writing(); !begun) {
        (void)rollback();
        return begun.error();
    }
    const auto found = query_integer(("SELECT count(*) FROM write_turns WHERE writer = '" +
                                      turn.writer + "' AND turn = " + std::to_string(turn.number))
                                         .c_str());
    if (!found) return found.error();
    if (const auto ended = commit(); !ended) return ended.error();
    return *found > 0;
}

Result<void> Database::wait_for_standbys() {
    const auto names = query_text("SELECT current_setting('synchronous_standby_names')");
    if (!names) return names.error();
    if (names->empty()) return {};
    // With the turn: while no standby answers, one connection of the server waits for it, not all.
    if (const auto begun = begin_writing(); !begun) return begun.error();
    return commit();
}

Result<std::string> Database::query_text(const char* sql) {
    const auto done = answer(PQsendQuery(get(), sql), sql);
    if (!done) return done.error();
    if (PQntuples(done->get()) == 0) return Error{Errc::kInternal, std::string(sql) + ": no row"};
    return std::string(PQgetvalue(done->get(), 0, 0));
}

Result<std::int64_t> Database::query_integer(const char* sql) {
    const auto text = query_text(sql);
    if (!text) return text.error();
    std::int64_t number = 0;
    std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

}  // namespace scepgate::ca_backend::postgres
