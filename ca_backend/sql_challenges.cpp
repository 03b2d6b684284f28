#include "ca_backend/sql_challenges.hpp"

#include <algorithm>
#include <limits>

namespace scepgate::ca_backend::sql {
namespace {

/// The longest time that a quota looks back.
constexpr std::int64_t kChallengesKept = 86'400;

const std::string kSelectChallenges =
    "SELECT policy, token, caller, created, expires, claims, state FROM challenges ";

constexpr std::int64_t number(ChallengeState state) {
    return static_cast<std::int64_t>(state);
}
// As they stand in the store (sqlite_schema.cpp).
static_assert(number(ChallengeState::kOutstanding) == 0 && number(ChallengeState::kUsed) == 1 &&
              number(ChallengeState::kWithdrawn) == 2);

StoredChallenge read_challenge(const Query& row, std::int64_t now) {
    StoredChallenge read;
    int column = 0;
    read.row.scope = row.text(column++);
    read.row.token = row.blob(column++);
    read.row.caller = row.text(column++);
    read.row.created = row.integer(column++);
    read.row.expires = row.integer(column++);
    read.row.claims = row.text(column++);
    read.state = static_cast<ChallengeState>(row.integer(column));
    if (read.state == ChallengeState::kOutstanding && read.row.expires <= now) {
        read.state = ChallengeState::kExpired;
    }
    return read;
}

std::int64_t bounded(std::size_t limit) {
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(limit, kMost));
}

/// From `first` on, and before `after`; empty: no bound.
struct TokenRange {
    Bytes first, after;
};

/// Those whose hex begins so.
Result<TokenRange> tokens_that_begin(const std::string& prefix) {
    const bool odd = prefix.size() % 2 != 0;
    auto first = from_hex(prefix + (odd ? "0" : ""));
    if (!first) return in_context("token", first.error());
    TokenRange range{*first, *std::move(first)};
    // The next that does not begin so: one more in the last digit that can have one more.
    unsigned one = odd ? 0x10 : 0x01;
    while (!range.after.empty()) {
        const unsigned next = range.after.back() + one;
        range.after.back() = static_cast<std::uint8_t>(next);
        if (next <= 0xFF) break;
        range.after.pop_back();
        one = 0x01;
    }
    return range;
}

}  // namespace

Result<Challenges> Challenges::prepare(Connection& connection) {
    Challenges made;
    const auto prepared = prepare_all(
        connection, {{made.find_, kSelectChallenges + "WHERE policy = ? AND token = ?"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<std::optional<StoredChallenge>> Challenges::find(std::string_view scope, ByteView token,
                                                        std::int64_t now) {
    Query query = find_.run();
    const auto row = query.bind(scope).bind(token).next();
    if (!row) return row.error();
    if (!*row) return std::optional<StoredChallenge>();
    return std::optional(read_challenge(query, now));
}

Result<ChallengeWriter> ChallengeWriter::prepare(Connection& connection) {
    auto challenges = Challenges::prepare(connection);
    if (!challenges) return challenges.error();
    ChallengeWriter made;
    made.challenges_ = *std::move(challenges);
    // Each looks for the row that is one too many, by an index of its own, and no further.
    const auto prepared = prepare_all(
        connection,
        {{made.outstanding_,
          "SELECT 1 FROM challenges WHERE state = 0 AND policy = ? AND expires > ? "
          "LIMIT 1 OFFSET ?"},
         {made.outstanding_of_caller_,
          "SELECT 1 FROM challenges WHERE state = 0 AND caller = ? AND expires > ? "
          "LIMIT 1 OFFSET ?"},
         {made.made_by_caller_,
          "SELECT 1 FROM challenges WHERE caller = ? AND created > ? LIMIT 1 OFFSET ?"},
         {made.add_,
          "INSERT INTO challenges(policy, token, caller, created, expires, claims) "
          "VALUES(?, ?, ?, ?, ?, ?)"},
         {made.redeem_,
          "INSERT INTO redemptions(policy, token, expires) VALUES(?, ?, ?) ON CONFLICT DO NOTHING"},
         {made.withdraw_, "UPDATE challenges SET state = 2 WHERE policy = ? AND token = ?"},
         {made.purge_,
          "DELETE FROM challenges WHERE id IN (SELECT id FROM challenges WHERE expires < ? "
          "ORDER BY expires LIMIT ?)"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<AddChallengeOutcome> ChallengeWriter::add(const ChallengeRow& row,
                                                 const ChallengeLimits& limits) {
    const auto full = [&](Statement& count, std::string_view of, std::int64_t after,
                          std::size_t limit) -> Result<bool> {
        if (limit == 0) return false;
        Query query = count.run();
        return query.bind(of).bind(after).bind(bounded(limit - 1)).next();
    };
    // The caller's own first: it learns nothing of the others.
    const auto made = full(made_by_caller_, row.caller, limits.since, limits.made_by_caller);
    if (!made) return made.error();
    if (*made) return AddChallengeOutcome(ChallengeQuotaReached{});
    const auto open =
        full(outstanding_of_caller_, row.caller, row.created, limits.outstanding_of_caller);
    if (!open) return open.error();
    if (*open) return AddChallengeOutcome(ChallengeQuotaReached{});
    const auto all = full(outstanding_, row.scope, row.created, limits.outstanding);
    if (!all) return all.error();
    if (*all) return AddChallengeOutcome(ChallengeCacheFull{});

    Query query = add_.run();
    query.bind(row.scope).bind(ByteView(row.token)).bind(row.caller).bind(row.created);
    if (const auto done = query.bind(row.expires).bind(row.claims).finish(); !done) {
        return done.error();
    }
    return AddChallengeOutcome(ChallengeAdded{});
}

Result<void> ChallengeWriter::withdraw(std::string_view scope, ByteView token, std::int64_t now) {
    const auto found = challenges_.find(scope, token, now);
    if (!found) return found.error();
    if (!*found) return Error{Errc::kNotFound, "there is no such challenge"};
    const ChallengeState state = (*found)->state;
    if (state == ChallengeState::kUsed || state == ChallengeState::kWithdrawn) {
        return Error{Errc::kConflict,
                     std::string("the challenge is ") + to_text(state) + " already"};
    }
    {
        // Recording looks here, and nowhere else.
        Query query = redeem_.run();
        query.bind(scope).bind(token).bind((*found)->row.expires);
        if (const auto done = query.finish(); !done) return done.error();
    }
    Query query = withdraw_.run();
    return query.bind(scope).bind(token).finish();
}

Result<void> ChallengeWriter::purge(std::int64_t now, std::size_t limit) {
    Query query = purge_.run();
    return query.bind(now - kChallengesKept).bind(bounded(limit)).finish();
}

Result<std::vector<StoredChallenge>> list_challenges(Connection& connection,
                                                     const ChallengeFilter& filter) {
    std::string sql = kSelectChallenges + "WHERE TRUE ";
    if (filter.scopes) {
        std::string places;
        for (std::size_t i = 0; i < filter.scopes->size(); ++i)
            places += i == 0 ? "?" : ", ?";
        sql += places.empty() ? "AND FALSE " : "AND policy IN (" + places + ") ";
    }
    if (filter.caller) sql += "AND caller = ? ";
    const bool open = filter.state == ChallengeState::kOutstanding;
    const bool expired = filter.state == ChallengeState::kExpired;
    if (open) sql += "AND state = 0 AND expires > ? ";
    if (expired) sql += "AND state = 0 AND expires <= ? ";
    if (filter.state && !open && !expired) sql += "AND state = ? ";
    const auto tokens = tokens_that_begin(filter.token_prefix);
    if (!tokens) return tokens.error();
    if (!tokens->first.empty()) sql += "AND token >= ? ";
    if (!tokens->after.empty()) sql += "AND token < ? ";
    sql += "ORDER BY id DESC LIMIT ?";
    auto statement = Statement::prepare(connection, sql);
    if (!statement) return statement.error();
    Query query = statement->run();
    if (filter.scopes) {
        for (const std::string& scope : *filter.scopes)
            query.bind(scope);
    }
    if (filter.caller) query.bind(*filter.caller);
    if (filter.state) query.bind(open || expired ? filter.now : number(*filter.state));
    if (!tokens->first.empty()) query.bind(tokens->first);
    if (!tokens->after.empty()) query.bind(tokens->after);
    query.bind(bounded(filter.limit));
    std::vector<StoredChallenge> all;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return all;
        all.push_back(read_challenge(query, filter.now));
    }
}

}  // namespace scepgate::ca_backend::sql
