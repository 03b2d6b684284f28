// Whether the machine's clock can be right, by what is recorded already.
#pragma once

#include <chrono>
#include <optional>

#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

/// A clock that ran ahead and came back must not make used challenges good again, and one that is
/// behind must not date certificates: nothing is recorded more than a day before the certificate
/// that was recorded last, until an operator has said that its clock was wrong; and nothing is
/// forgotten sooner than by a clock that has not jumped.
class ClockJudge {
public:
    static Result<ClockJudge> prepare(Connection& connection);

    /// Another transaction begins: what was read before does not count. `ahead`: of the database's
    /// clock, which all nodes share (Connection::clock_ahead()).
    Result<void> begin(std::int64_t ahead = 0);
    /// kUnavailable: `now` is behind, or this machine's clock is not the database's; with what to
    /// do.
    Result<void> judge(std::int64_t now);
    /// By the database's clock alone: one node's wrong clock must not date what the others go by.
    [[nodiscard]] Result<void> judge_machine() const;
    /// What is recorded by now is held against no clock any more.
    Result<void> accept();
    /// At most `now`, and no further than real time has come since this saw a certificate in the
    /// store for the first time, from the one that was the newest then. Empty: there is none yet,
    /// and no clock can be sure.
    [[nodiscard]] std::optional<std::int64_t> without_jumps(std::int64_t now) const;

private:
    Result<void> read();

    Statement select_;
    Statement accepted_;
    Statement accept_;
    struct Newest {
        std::int64_t id, issued_at;  ///< 0: there is none
    };
    std::optional<Newest> newest_;
    std::int64_t ahead_ = 0;
    std::optional<std::int64_t> began_;  ///< what the clock may have said at began_at_
    std::chrono::steady_clock::time_point began_at_;
};

}  // namespace scepgate::ca_backend::sql
