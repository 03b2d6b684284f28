#include "ca_backend/sql_crls.hpp"

#include <algorithm>

#include "ca_backend/sql_revocations.hpp"

namespace scepgate::ca_backend::sql {
namespace {

/// Of a revocation that is still to be listed; ?3 and ?4 are a CrlHorizon.
const std::string kListed = "(not_after > ?3 OR revoked_at > ?3 OR revision > ?4)";

constexpr std::string_view kState =
    "SELECT number, revision, base, this_update, took_ms, making_until, making_by FROM kept_crls "
    "WHERE issuer = ? AND kind = ?";

std::int64_t number_of(CrlKind kind) {
    return static_cast<std::int64_t>(kind);
}

CrlState read_state(const Query& query) {
    return {query.integer(0), query.integer(1), query.integer(2), query.integer(3),
            query.integer(4)};
}

certs::RevokedCertificate read_revoked(const Query& query) {
    certs::RevokedCertificate one;
    one.serial = query.blob(0);
    one.revoked_at = query.integer(1);
    one.reason = static_cast<certs::RevocationReason>(query.integer(2));
    if (!query.is_null(3)) one.invalidity_date = query.integer(3);
    return one;
}

}  // namespace

Result<Crls> Crls::prepare(Connection& connection) {
    Crls made;
    const auto prepared = prepare_all(
        connection, {{made.state_, kState},
                     {made.parts_,
                      "SELECT octets FROM crl_parts WHERE issuer = ? AND kind = ? AND number = ? "
                      "ORDER BY part"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<std::optional<CrlState>> Crls::find_state(const IssuerHash& issuer, CrlKind kind) {
    Query query = state_.run();
    const auto row = query.bind(ByteView(issuer)).bind(number_of(kind)).next();
    if (!row) return row.error();
    if (!*row || query.integer(0) == 0) return std::optional<CrlState>();
    return std::optional(read_state(query));
}

Result<std::optional<KeptCrl>> Crls::find(const IssuerHash& issuer, CrlKind kind) {
    const auto state = find_state(issuer, kind);
    if (!state) return state.error();
    if (!*state) return std::optional<KeptCrl>();
    KeptCrl kept{**state, {}};
    Query query = parts_.run();
    query.bind(ByteView(issuer)).bind(number_of(kind)).bind(kept.state.number);
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return std::optional(std::move(kept));
        const Bytes part = query.blob(0);
        kept.der.insert(kept.der.end(), part.begin(), part.end());
    }
}

Result<CrlKeeper> CrlKeeper::prepare(Connection& connection) {
    CrlKeeper made;
    const auto prepared = prepare_all(
        connection,
        {{made.state_, kState},
         {made.take_,
          "INSERT INTO kept_crls(issuer, kind, making_until, making_by) VALUES(?, ?, ?, ?) "
          "ON CONFLICT(issuer, kind) DO UPDATE SET making_until = excluded.making_until, "
          "making_by = excluded.making_by"},
         {made.next_number_,
          "INSERT INTO crls(issuer, revision, number) VALUES(?, 0, ?) ON CONFLICT(issuer) DO "
          "UPDATE SET number = CASE WHEN crls.number < excluded.number THEN excluded.number ELSE "
          "crls.number + 1 END RETURNING number"},
         {made.base_,
          "SELECT number, revision FROM crl_bases WHERE issuer = ? AND key = ? AND "
          "next_update > ? AND made <= ? AND number >= ? ORDER BY number LIMIT 1"},
         {made.extend_, "UPDATE kept_crls SET making_until = ? WHERE issuer = ? AND making_by = ?"},
         {made.end_,
          "UPDATE kept_crls SET making_until = 0, making_by = '' WHERE issuer = ? AND "
          "making_by = ?"},
         {made.part_,
          "INSERT INTO crl_parts(issuer, kind, number, part, octets) VALUES(?, ?, ?, ?, ?) "
          "ON CONFLICT(issuer, kind, number, part) DO UPDATE SET octets = excluded.octets"},
         {made.keep_,
          "UPDATE kept_crls SET number = ?, revision = ?, base = ?, this_update = ?, took_ms = ? "
          "WHERE issuer = ? AND kind = ? AND number < ?"},
         {made.newest_base_,
          "SELECT made FROM crl_bases WHERE issuer = ?1 AND key = ?2 AND made <= ?3 AND "
          "next_update > ?3 AND number >= ?4 ORDER BY number DESC LIMIT 1"},
         {made.forget_bases_, "DELETE FROM crl_bases WHERE issuer = ? AND next_update <= ?"},
         {made.add_base_,
          "INSERT INTO crl_bases(issuer, number, key, revision, made, next_update) "
          "VALUES(?, ?, ?, ?, ?, ?)"},
         {made.old_part_,
          "SELECT number, part FROM crl_parts WHERE issuer = ?1 AND kind = ?2 AND number < "
          "(SELECT number FROM kept_crls WHERE issuer = ?1 AND kind = ?2) ORDER BY number, part "
          "LIMIT 1"},
         {made.forget_part_,
          "DELETE FROM crl_parts WHERE issuer = ? AND kind = ? AND number = ? AND part = ?"},
         {made.last_number_, "SELECT number FROM crls WHERE issuer = ?"},
         {made.lift_,
          "INSERT INTO crls(issuer, revision, number) VALUES(?, 0, ?) ON CONFLICT(issuer) DO "
          "UPDATE SET number = excluded.number, revision = crls.revision + 1"},
         {made.hurry_, "UPDATE kept_crls SET took_ms = 0 WHERE issuer = ?"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<bool> CrlKeeper::is_free(const CrlOrder& order, CrlKind kind) {
    Query query = state_.run();
    const auto row = query.bind(ByteView(order.issuer)).bind(number_of(kind)).next();
    if (!row) return row.error();
    // One that lasts so long is of a clock that was ahead: its maker has to say much sooner that it
    // is still at it.
    constexpr std::int64_t kSlack = 50;
    const std::int64_t until = query.integer(5);
    return !*row || until <= order.now || until > order.until + kSlack ||
           query.text(6) == order.maker;
}

Result<void> CrlKeeper::take(const CrlOrder& order, CrlKind kind) {
    return take_.run()
        .bind(ByteView(order.issuer))
        .bind(number_of(kind))
        .bind(order.until)
        .bind(order.maker)
        .finish();
}

Result<std::optional<CrlBase>> CrlKeeper::oldest_base(const CrlOrder& order) {
    Query query = base_.run();
    query.bind(ByteView(order.issuer)).bind(order.key).bind(order.now).bind(order.now);
    query.bind(order.least_base);
    const auto row = query.next();
    if (!row) return row.error();
    if (!*row) return std::optional<CrlBase>();
    return std::optional(CrlBase{query.integer(0), query.integer(1)});
}

Result<CrlBegun> CrlKeeper::begin(const CrlOrder& order) {
    CrlBegun begun;
    const auto base = oldest_base(order);
    if (!base) return base.error();
    begun.base = *base;
    const auto complete_free = is_free(order, CrlKind::kComplete);
    if (!complete_free) return complete_free.error();
    const auto delta_free = is_free(order, CrlKind::kDelta);
    if (!delta_free) return delta_free.error();
    const bool complete = order.complete || (order.delta && !*base);
    if ((complete && !*complete_free) || (!complete && !*delta_free)) return begun;

    begun.complete = complete;
    begun.delta = order.delta && *delta_free;
    for (const auto& [granted, kind] :
         {std::pair{begun.complete, CrlKind::kComplete}, std::pair{begun.delta, CrlKind::kDelta}}) {
        if (!granted) continue;
        if (const auto taken = take(order, kind); !taken) return taken.error();
    }
    // The time, as in serial numbers: above all that a store knew that was restored since.
    const auto number = next_number_.run()
                            .bind(ByteView(order.issuer))
                            .bind(std::max<std::int64_t>(order.now, 1))
                            .finish_returning();
    if (!number) return number.error();
    begun.number = *number;
    return begun;
}

Result<void> CrlKeeper::extend(const IssuerHash& issuer, const std::string& maker,
                               std::int64_t until) {
    return extend_.run().bind(until).bind(ByteView(issuer)).bind(maker).finish();
}

Result<void> CrlKeeper::end(const IssuerHash& issuer, const std::string& maker) {
    return end_.run().bind(ByteView(issuer)).bind(maker).finish();
}

Result<void> CrlKeeper::add_part(const IssuerHash& issuer, const CrlToKeep& crl, std::int64_t part,
                                 ByteView octets) {
    return part_.run()
        .bind(ByteView(issuer))
        .bind(number_of(crl.kind))
        .bind(crl.state.number)
        .bind(part)
        .bind(octets)
        .finish();
}

Result<bool> CrlKeeper::keep(const IssuerHash& issuer, const CrlToKeep& crl) {
    {
        Query query = keep_.run();
        query.bind(crl.state.number)
            .bind(crl.state.revision)
            .bind(crl.state.base)
            .bind(crl.state.this_update)
            .bind(crl.state.took_ms)
            .bind(ByteView(issuer))
            .bind(number_of(crl.kind))
            .bind(crl.state.number);
        if (const auto done = query.finish(); !done) return done.error();
        if (query.changes() == 0) return false;
    }
    if (crl.base_period != 0) {
        if (const auto added = add_base(issuer, crl); !added) return added.error();
    }
    return true;
}

Result<void> CrlKeeper::add_base(const IssuerHash& issuer, const CrlToKeep& crl) {
    const std::int64_t made = crl.made;
    const ByteView key = crl.crl.authority_key_identifier().value_or(ByteView());
    {
        Query query = newest_base_.run();
        const auto row =
            query.bind(ByteView(issuer)).bind(key).bind(made).bind(crl.least_base).next();
        if (!row) return row.error();
        if (*row && made < query.integer(0) + crl.base_period) return {};
    }
    if (const auto done = forget_bases_.run().bind(ByteView(issuer)).bind(made).finish(); !done)
        return done.error();
    return add_base_.run()
        .bind(ByteView(issuer))
        .bind(crl.state.number)
        .bind(key)
        .bind(crl.state.revision)
        .bind(made)
        .bind(crl.crl.next_update())
        .finish();
}

Result<bool> CrlKeeper::forget_part(const IssuerHash& issuer, CrlKind kind) {
    std::int64_t number = 0;
    std::int64_t part = 0;
    {
        Query query = old_part_.run();
        const auto row = query.bind(ByteView(issuer)).bind(number_of(kind)).next();
        if (!row) return row.error();
        if (!*row) return true;
        number = query.integer(0);
        part = query.integer(1);
    }
    const auto done = forget_part_.run()
                          .bind(ByteView(issuer))
                          .bind(number_of(kind))
                          .bind(number)
                          .bind(part)
                          .finish();
    if (!done) return done.error();
    return false;
}

Result<bool> CrlKeeper::lift_number(const IssuerHash& issuer, std::int64_t above) {
    {
        Query query = last_number_.run();
        const auto row = query.bind(ByteView(issuer)).next();
        if (!row) return row.error();
        if (*row && query.integer(0) >= above) return false;
    }
    // What is kept has a number from before: the new revision makes it old, and nothing delays the
    // next.
    if (const auto done = hurry_.run().bind(ByteView(issuer)).finish(); !done) return done.error();
    const auto lifted = lift_.run().bind(ByteView(issuer)).bind(above).finish();
    if (!lifted) return lifted.error();
    return true;
}

Result<RevocationPages> RevocationPages::prepare(Connection& connection) {
    RevocationPages made;
    const auto prepared = prepare_all(
        connection,
        {{made.all_,
          "SELECT serial, revoked_at, reason, invalidity_date FROM revocations WHERE issuer = ?1 "
          "AND serial > ?2 AND reason <> 8 AND " +
              kListed + " ORDER BY serial LIMIT ?5"},
         {made.changes_,
          "SELECT serial, revoked_at, reason, invalidity_date, revision FROM revocations "
          "WHERE issuer = ?1 AND (revision, serial) > (?5, ?2) AND (reason = 8 OR " +
              kListed + ") ORDER BY revision, serial LIMIT ?6"}});
    if (!prepared) return prepared.error();
    return made;
}

void RevocationPages::start(const IssuerHash& issuer) {
    issuer_ = issuer;
    last_serial_.clear();
    last_changed_serial_.clear();
    last_changed_.reset();
}

Result<std::vector<certs::RevokedCertificate>> RevocationPages::next(const CrlHorizon& horizon,
                                                                     std::size_t most) {
    std::vector<certs::RevokedCertificate> page;
    const Bytes after = last_serial_;
    Query query = all_.run();
    query.bind(ByteView(issuer_))
        .bind(after)
        .bind(horizon.since)
        .bind(horizon.revision)
        .bind(static_cast<std::int64_t>(most));
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) break;
        page.push_back(read_revoked(query));
    }
    if (!page.empty()) last_serial_ = page.back().serial;
    return page;
}

Result<std::vector<certs::RevokedCertificate>> RevocationPages::next_change(
    const CrlBase& base, const CrlHorizon& horizon, std::size_t most) {
    std::vector<certs::RevokedCertificate> page;
    const Bytes after = last_changed_serial_;
    Query query = changes_.run();
    // No serial number is empty, so all of the first revision come after it.
    query.bind(ByteView(issuer_))
        .bind(after)
        .bind(horizon.since)
        .bind(horizon.revision)
        .bind(last_changed_.value_or(base.revision + 1))
        .bind(static_cast<std::int64_t>(most));
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) break;
        page.push_back(read_revoked(query));
        last_changed_ = query.integer(4);
    }
    if (!page.empty()) last_changed_serial_ = page.back().serial;
    return page;
}

}  // namespace scepgate::ca_backend::sql
