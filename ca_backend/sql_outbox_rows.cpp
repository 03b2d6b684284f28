#include "ca_backend/sql_outbox_rows.hpp"

#include <limits>

namespace scepgate::ca_backend::sql {
namespace {

const std::string kSelectMessages =
    "SELECT id, target, kind, event, body, created, due, leased_until, attempts, error "
    "FROM outbox ";

OutboxRow read(const Query& row) {
    OutboxRow read;
    int column = 0;
    read.number = row.integer(column++);
    read.event.target = row.text(column++);
    read.event.kind = row.text(column++);
    read.event.id = row.text(column++);
    read.event.body = row.text(column++);
    read.created = row.integer(column++);
    read.due = row.integer(column++);
    read.leased_until = row.integer(column++);
    read.attempts = row.integer(column++);
    read.error = row.text(column++);
    return read;
}

Result<std::vector<OutboxRow>> read_all(Query& query) {
    std::vector<OutboxRow> all;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return all;
        all.push_back(read(query));
    }
}

std::int64_t limit(std::size_t most) {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    return most > static_cast<std::size_t>(kMost) ? kMost : static_cast<std::int64_t>(most);
}

}  // namespace

Result<OutboxReader> OutboxReader::prepare(Connection& connection) {
    OutboxReader made;
    const auto prepared = prepare_all(
        connection, {{made.first_, kSelectMessages + "WHERE target = ? ORDER BY id LIMIT 1"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<std::optional<std::int64_t>> OutboxReader::next_due(std::string_view target,
                                                           std::int64_t now) {
    Query query = first_.run();
    const auto row = query.bind(target).next();
    if (!row) return row.error();
    return *row ? std::optional(read(query).sendable_at(now)) : std::nullopt;
}

Result<std::vector<OutboxRow>> list_outbox(Connection& connection, std::string_view target,
                                           std::size_t most) {
    auto select = Statement::prepare(
        connection,
        kSelectMessages + (target.empty() ? "" : "WHERE target = ? ") + "ORDER BY id LIMIT ?");
    if (!select) return select.error();
    Query query = select->run();
    if (!target.empty()) query.bind(target);
    query.bind(limit(most));
    return read_all(query);
}

Result<std::vector<OutboxCount>> count_outbox(Connection& connection) {
    auto select = Statement::prepare(
        connection,
        "SELECT target, CAST(sum(waiting) AS BIGINT), max(oldest), CAST(sum(dropped) AS BIGINT) "
        "FROM ("
        " SELECT target, count(*) AS waiting, min(created) AS oldest, 0 AS dropped FROM outbox"
        " GROUP BY target"
        " UNION ALL SELECT target, 0, 0, refusals FROM outbox_dropped"
        ") AS counted GROUP BY target ORDER BY target");
    if (!select) return select.error();
    Query query = select->run();
    std::vector<OutboxCount> all;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return all;
        all.push_back({query.text(0), query.integer(1), query.integer(2), query.integer(3)});
    }
}

Result<OutboxRetry> retry_outbox(Connection& connection, std::string_view target,
                                 std::int64_t now) {
    const std::string which = target.empty() ? "" : " WHERE target = ?";
    auto update = Statement::prepare(connection, "UPDATE outbox SET due = ?" + which);
    if (!update) return update.error();
    std::int64_t all = 0;
    {
        Query query = update->run();
        query.bind(now);
        if (!target.empty()) query.bind(target);
        if (const auto done = query.finish(); !done) return done.error();
        all = query.changes();
    }
    auto leased = Statement::prepare(
        connection, "SELECT count(*) FROM outbox WHERE leased_until > ? AND leased_until <= ?" +
                        std::string(target.empty() ? "" : " AND target = ?"));
    if (!leased) return leased.error();
    Query query = leased->run();
    query.bind(now).bind(now + kLongestLease);
    if (!target.empty()) query.bind(target);
    if (const auto row = query.next(); !row) return row.error();
    const std::int64_t being_sent = query.integer(0);
    return OutboxRetry{static_cast<std::size_t>(all - being_sent),
                       static_cast<std::size_t>(being_sent)};
}

Result<std::size_t> drop_outbox(Connection& connection, std::string_view target) {
    std::size_t dropped = 0;
    for (const char* sql :
         {"DELETE FROM outbox_dropped WHERE target = ?", "DELETE FROM outbox WHERE target = ?"}) {
        auto remove = Statement::prepare(connection, sql);
        if (!remove) return remove.error();
        Query query = remove->run();
        if (const auto done = query.bind(target).finish(); !done) return done.error();
        dropped = static_cast<std::size_t>(query.changes());
    }
    return dropped;
}

Result<OutboxWriter> OutboxWriter::prepare(Connection& connection) {
    OutboxWriter made;
    const auto prepared = prepare_all(
        connection,
        {{made.add_,
          "INSERT INTO outbox(target, kind, event, body, created, due) VALUES(?, ?, ?, ?, ?, ?)"},
         {made.drop_,
          "DELETE FROM outbox WHERE target = ?1 AND kind = 'refused' AND id <= (SELECT id FROM "
          "outbox WHERE target = ?1 AND kind = 'refused' ORDER BY id DESC LIMIT 1 OFFSET ?2)"},
         {made.count_dropped_,
          "INSERT INTO outbox_dropped(target, refusals) VALUES(?, ?) "
          "ON CONFLICT(target) DO UPDATE SET "
          "refusals = outbox_dropped.refusals + excluded.refusals"},
         {made.oldest_, kSelectMessages + "WHERE target = ? ORDER BY id LIMIT ?"},
         {made.lease_, "UPDATE outbox SET leased_until = ?, attempts = attempts + 1 WHERE id = ?"},
         {made.remove_, "DELETE FROM outbox WHERE id = ?"},
         {made.failed_,
          "UPDATE outbox SET due = ?, leased_until = 0, error = ? WHERE id = ? AND attempts = ?"},
         {made.untried_,
          "UPDATE outbox SET leased_until = 0, attempts = attempts - 1 WHERE id = ? AND attempts = "
          "?"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<void> OutboxWriter::add(const std::vector<OutboxEvent>& events, std::int64_t now) {
    for (const OutboxEvent& event : events) {
        Query query = add_.run();
        query.bind(event.target).bind(event.kind).bind(event.id).bind(event.body);
        if (const auto done = query.bind(now).bind(now).finish(); !done) return done.error();
    }
    return {};
}

Result<std::size_t> OutboxWriter::add_bounded(const std::vector<OutboxEvent>& events,
                                              std::size_t most, std::int64_t now) {
    std::int64_t dropped = 0;
    for (const OutboxEvent& event : events) {
        if (const auto added = add({event}, now); !added) return added.error();
        std::int64_t made_room = 0;
        {
            Query query = drop_.run();
            query.bind(event.target).bind(limit(most));
            if (const auto done = query.finish(); !done) return done.error();
            made_room = query.changes();
        }
        if (made_room == 0) continue;
        dropped += made_room;
        Query query = count_dropped_.run();
        const auto done = query.bind(event.target).bind(made_room).finish();
        if (!done) return done.error();
    }
    return static_cast<std::size_t>(dropped);
}

Result<std::vector<OutboxRow>> OutboxWriter::claim(const OutboxClaim& claim) {
    std::vector<OutboxRow> rows;
    {
        Query query = oldest_.run();
        query.bind(claim.target).bind(limit(claim.most));
        auto found = read_all(query);
        if (!found) return found.error();
        rows = std::move(*found);
    }
    // The first decides: what is behind it must not overtake it.
    if (rows.empty() || rows.front().sendable_at(claim.now) > claim.now)
        return std::vector<OutboxRow>();
    for (OutboxRow& row : rows) {
        row.leased_until = claim.now + std::min(claim.lease, kLongestLease);
        ++row.attempts;
        Query query = lease_.run();
        const auto done = query.bind(row.leased_until).bind(row.number).finish();
        if (!done) return done.error();
    }
    return rows;
}

Result<void> OutboxWriter::settle(const OutboxResult& result) {
    for (const OutboxRow& row : result.gone) {
        Query query = remove_.run();
        if (const auto done = query.bind(row.number).finish(); !done) return done.error();
    }
    if (const auto& failed = result.failed) {
        Query query = failed_.run();
        query.bind(failed->due).bind(failed->error).bind(failed->row.number);
        if (const auto done = query.bind(failed->row.attempts).finish(); !done) return done.error();
    }
    for (const OutboxRow& row : result.untried) {
        Query query = untried_.run();
        const auto done = query.bind(row.number).bind(row.attempts).finish();
        if (!done) return done.error();
    }
    return {};
}

}  // namespace scepgate::ca_backend::sql
