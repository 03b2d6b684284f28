#include "ca_backend/sql_writer.hpp"

#include <pthread.h>

#include <boost/asio/associated_executor.hpp>

namespace scepgate::ca_backend::sql {

namespace asio = boost::asio;

namespace {

/// A disk takes about as long to make anything durable.
constexpr std::chrono::milliseconds kGatherTime{2};

/// Whatever it was: this transaction cannot be had now.
Error unavailable(const Error& failed) {
    return {Errc::kUnavailable, "store: " + failed.detail};
}

}  // namespace

Result<Changes> Changes::prepare(std::unique_ptr<Connection> connection) {
    auto recorder = Recorder::prepare(*connection);
    if (!recorder) return recorder.error();
    auto revoker = Revoker::prepare(*connection);
    if (!revoker) return revoker.error();
    auto crls = CrlKeeper::prepare(*connection);
    if (!crls) return crls.error();
    auto outbox = OutboxWriter::prepare(*connection);
    if (!outbox) return outbox.error();
    auto challenges = ChallengeWriter::prepare(*connection);
    if (!challenges) return challenges.error();
    auto clock = ClockJudge::prepare(*connection);
    if (!clock) return clock.error();
    return Changes{std::move(connection), *std::move(recorder), *std::move(revoker),
                   *std::move(crls),      *std::move(outbox),   *std::move(challenges),
                   *std::move(clock)};
}

Result<std::unique_ptr<Writer>> Writer::start(std::unique_ptr<Connection> connection,
                                              Connect reconnect) {
    auto changes = Changes::prepare(std::move(connection));
    if (!changes) return changes.error();
    return std::unique_ptr<Writer>(new Writer(*std::move(changes), std::move(reconnect)));
}

Writer::Writer(Changes changes, Connect reconnect)
    : changes_(std::move(changes)), reconnect_(std::move(reconnect)) {
    thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    something_to_do_.notify_one();
    thread_.join();
}

void Writer::submit(Work work, WorkHandler handler) {
    auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
    bool wanted = false;
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back({std::move(work), std::move(handler), std::move(guard), {}});
        wanted = queue_.size() == 1 || queue_.size() == expected_;
    }
    if (wanted) something_to_do_.notify_one();
}

void Writer::run() {
    // It does not interrupt who computes: on a busy machine more work shares a commit, an idle one
    // runs it at once all the same. Where the system refuses, it commits more often.
    const sched_param no_priority{};
    (void)::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &no_priority);
    std::vector<Waiting> group;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            something_to_do_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            // Who came together will come together again, most often.
            something_to_do_.wait_for(lock, kGatherTime,
                                      [this] { return stopping_ || queue_.size() >= expected_; });
            group.swap(queue_);
            expected_ = group.size();
        }
        write(group);
        for (Waiting& waiting : group) {
            // This thread belongs to no executor, so nothing runs here.
            waiting.guard.get_executor().execute([handler = std::move(waiting.handler),
                                                  outcome = std::move(waiting.outcome)]() mutable {
                std::move(handler)(std::move(outcome));
            });
        }
        group.clear();
        changes_.connection->tidy_up();
    }
}

void Writer::write(std::span<Waiting> group) {
    const auto written = write_persistently(group);
    if (written) return;
    if (written.error().code == Errc::kUnavailable || group.size() == 1) {
        for (Waiting& waiting : group)
            waiting.outcome = written.error();
        return;
    }
    // One failed half done: nobody else shall have to pay for it.
    for (Waiting& waiting : group)
        write({&waiting, 1});
}

Result<void> Writer::write_persistently(std::span<Waiting> group) {
    constexpr int kAttempts = 4;
    for (int attempt = 1;; ++attempt) {
        if (const auto replaced = replace_lost_connection(); !replaced) return replaced.error();
        Step step = Step::kWriting;
        auto written = write_in_transaction(group, step);
        if (written) return written;
        const Turn turn = changes_.connection->turn();
        const bool transient = changes_.connection->may_succeed_again();
        if (const auto undone = changes_.connection->rollback(); !undone)
            written.error().detail += "; and " + undone.error().detail;
        const bool lost = changes_.connection->is_lost();
        if (lost && step == Step::kCommitting) {
            // Nobody knows how it ended, until the database is asked.
            if (const auto replaced = replace_lost_connection(); !replaced) return replaced.error();
            const auto committed = changes_.connection->was_committed(turn);
            if (!committed) return unavailable(committed.error());
            if (*committed) return {};
        }
        if (!(lost || transient) || attempt == kAttempts) return written;
    }
}

Result<void> Writer::replace_lost_connection() {
    if (!changes_.connection->is_lost() || !reconnect_) return {};
    auto connection = reconnect_();
    if (!connection) return unavailable(connection.error());
    auto changes = Changes::prepare(*std::move(connection));
    if (!changes) return unavailable(changes.error());
    changes_ = *std::move(changes);
    return {};
}

/// An error here undoes all that was written, unless it came from committing.
Result<void> Writer::write_in_transaction(std::span<Waiting> group, Step& step) {
    Connection& connection = *changes_.connection;
    if (const auto begun = connection.begin_writing(); !begun) return unavailable(begun.error());
    changes_.now = Changes::kNobodySaid;
    changes_.adds_challenges = false;
    const auto clock = changes_.clock.begin(connection.clock_ahead());
    note_clock(!changes_.clock.judge_machine());
    if (!clock) return unavailable(clock.error());
    for (Waiting& waiting : group) {
        const std::int64_t changes_before = connection.total_changes();
        waiting.outcome = waiting.work(changes_);
        if (waiting.outcome) continue;
        if (waiting.outcome.error().code == Errc::kUnavailable)
            return unavailable(waiting.outcome.error());
        if (connection.must_roll_back() || connection.total_changes() != changes_before)
            return waiting.outcome.error();
    }
    if (const auto purged = purge(2 * group.size()); !purged) return unavailable(purged.error());
    step = Step::kCommitting;
    const auto committed = connection.commit();
    return committed ? committed : unavailable(committed.error());
}

namespace {

using Steady = std::chrono::steady_clock;

std::int64_t steady_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(Steady::now().time_since_epoch())
        .count();
}

}  // namespace

void Writer::note_clock(bool wrong) noexcept {
    // Nobody who is not asked learns that it is right again: so after a while it is tried.
    constexpr std::int64_t kBelieved = 60;
    clock_wrong_until_ = wrong ? steady_seconds() + kBelieved : 0;
}

bool Writer::clock_is_wrong() const noexcept {
    const std::int64_t until = clock_wrong_until_;
    return until != 0 && steady_seconds() < until;
}

Result<void> Writer::purge(std::size_t limit) {
    if (changes_.now == Changes::kNobodySaid) return {};
    const std::int64_t now = changes_.now;
    // What is not remembered any more could be used again, when the clock is right again.
    const auto sure = changes_.clock.without_jumps(now);
    if (!sure) return {};
    if (const auto purged = changes_.recorder.purge_redemptions(*sure, limit); !purged)
        return purged.error();
    if (changes_.adds_challenges) {
        const auto purged = changes_.challenges.purge(*sure, limit);
        if (!purged) return purged.error();
    }
    // Few ever wait, so a look now and then is enough.
    constexpr std::int64_t kPendingInterval = 600;
    constexpr std::size_t kPendingLimit = 100;
    if (now >= pending_purged_ && now < pending_purged_ + kPendingInterval) return {};
    const auto all = changes_.recorder.purge_pending(*sure, kPendingLimit);
    if (!all) return all.error();
    if (*all) pending_purged_ = now;
    return {};
}

}  // namespace scepgate::ca_backend::sql
