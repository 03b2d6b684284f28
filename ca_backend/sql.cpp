#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

Result<bool> Connection::was_committed(const Turn& turn) {
    return Error{Errc::kInternal, "this engine keeps no turns: " + turn.writer};
}

Result<Statement> Statement::prepare(Connection& connection, std::string_view sql) {
    auto prepared = connection.prepare(sql);
    if (!prepared) return prepared.error();
    Statement statement;
    statement.prepared_ = *std::move(prepared);
    return statement;
}

Result<void> prepare_all(Connection& connection, std::initializer_list<Preparation> all) {
    for (const auto& [statement, sql] : all) {
        auto prepared = Statement::prepare(connection, sql);
        if (!prepared) return prepared.error();
        statement = *std::move(prepared);
    }
    return {};
}

Query Statement::run() {
    return Query(*prepared_);
}

Query& Query::bind(std::int64_t value) {
    prepared_.bind(++bound_, value);
    return *this;
}

Query& Query::bind(std::string_view text) {
    prepared_.bind(++bound_, text);
    return *this;
}

Query& Query::bind(ByteView blob) {
    prepared_.bind(++bound_, blob);
    return *this;
}

Result<void> Query::finish() {
    const auto row = next();
    if (!row) return row.error();
    return {};
}

Result<std::int64_t> Query::finish_returning() {
    const auto row = next();
    if (!row) return row.error();
    if (!*row) return Error{Errc::kInternal, "a statement returned no id"};
    const std::int64_t id = integer(0);
    // Only when it has run to its end has it written.
    if (const auto done = finish(); !done) return done.error();
    return id;
}

}  // namespace scepgate::ca_backend::sql
