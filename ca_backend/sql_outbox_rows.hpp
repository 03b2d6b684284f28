// The outbox's rows, inside a transaction of the database.
#pragma once

#include "ca_backend/outbox.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

/// Reading: on a connection of its own.
class OutboxReader {
public:
    static Result<OutboxReader> prepare(Connection& connection);

    /// Of the first that waits.
    Result<std::optional<std::int64_t>> next_due(std::string_view target, std::int64_t now);

private:
    Statement first_;
};

/// Prepared on each call: for people.
Result<std::vector<OutboxRow>> list_outbox(Connection& connection, std::string_view target,
                                           std::size_t most);
Result<OutboxRetry> retry_outbox(Connection& connection, std::string_view target, std::int64_t now);
Result<std::size_t> drop_outbox(Connection& connection, std::string_view target);
Result<std::vector<OutboxCount>> count_outbox(Connection& connection);

/// Writing, while nobody else writes. When a function fails, what it wrote has to be rolled back.
class OutboxWriter {
public:
    static Result<OutboxWriter> prepare(Connection& connection);

    Result<void> add(const std::vector<OutboxEvent>& events, std::int64_t now);
    /// Returns how many older ones were removed for them.
    Result<std::size_t> add_bounded(const std::vector<OutboxEvent>& events, std::size_t most,
                                    std::int64_t now);
    Result<std::vector<OutboxRow>> claim(const OutboxClaim& claim);
    Result<void> settle(const OutboxResult& result);

private:
    Statement add_;
    Statement drop_;
    Statement count_dropped_;
    Statement oldest_;
    Statement lease_;
    Statement remove_;
    Statement failed_;
    Statement untried_;
};

}  // namespace scepgate::ca_backend::sql
