#include "ca_backend/sql_clock.hpp"

#include <algorithm>
#include <cstdlib>

#include "certs/clock.hpp"

namespace scepgate::ca_backend::sql {
namespace {

/// Nodes and clocks differ a little.
constexpr std::int64_t kMostBehind = 86400;
constexpr std::int64_t kMostFromDatabase = 600;

}  // namespace

Result<ClockJudge> ClockJudge::prepare(Connection& connection) {
    ClockJudge made;
    const auto prepared = prepare_all(
        connection,
        {{made.select_,
          "SELECT id, issued_at FROM certificates WHERE id = (SELECT max(id) FROM certificates)"},
         {made.accepted_, "SELECT through FROM clock_accepted WHERE what = 0"},
         {made.accept_,
          "INSERT INTO clock_accepted(what, through) SELECT 0, coalesce(max(id), 0) FROM "
          "certificates WHERE TRUE ON CONFLICT(what) DO UPDATE SET through = excluded.through"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<void> ClockJudge::begin(std::int64_t ahead) {
    newest_.reset();
    ahead_ = ahead;
    return began_ ? Result<void>() : read();
}

Result<void> ClockJudge::read() {
    if (newest_) return {};
    Query query = select_.run();
    const auto row = query.next();
    if (!row) return row.error();
    newest_ = *row ? Newest{query.integer(0), query.integer(1)} : Newest{0, 0};
    if (!began_ && *row) {
        began_ = newest_->issued_at;
        began_at_ = std::chrono::steady_clock::now();
    }
    return {};
}

Result<void> ClockJudge::judge_machine() const {
    const std::int64_t apart = std::abs(ahead_);
    if (apart <= kMostFromDatabase) return {};
    return Error{Errc::kUnavailable, "this machine's clock is " + std::to_string(apart) + " s " +
                                         (ahead_ > 0 ? "ahead of" : "behind") +
                                         " the database's: nothing is recorded here. Set the wrong "
                                         "one right (docs/cluster.md#clocks)"};
}

Result<void> ClockJudge::judge(std::int64_t now) {
    if (auto sound = judge_machine(); !sound) return sound;
    if (const auto done = read(); !done) return done;
    const std::int64_t behind = newest_->issued_at - now;
    if (newest_->id == 0 || behind <= kMostBehind) return {};
    {
        Query query = accepted_.run();
        const auto row = query.next();
        if (!row) return row.error();
        if (*row && query.integer(0) >= newest_->id) return {};
    }
    return Error{Errc::kUnavailable,
                 "this machine's clock says " + certs::utc_text(now) + ", which is " +
                     std::to_string(behind / kMostBehind) +
                     " days before the newest certificate of the store (" +
                     certs::utc_text(newest_->issued_at) +
                     "): nothing is recorded. Set the clock right; if it is right, and was ahead "
                     "then: scepgate store accept-clock --config F (docs/backup.md)"};
}

Result<void> ClockJudge::accept() {
    return accept_.run().finish();
}

std::optional<std::int64_t> ClockJudge::without_jumps(std::int64_t now) const {
    if (!began_) return std::nullopt;
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now() - began_at_);
    return std::min(now, *began_ + passed.count());
}

}  // namespace scepgate::ca_backend::sql
