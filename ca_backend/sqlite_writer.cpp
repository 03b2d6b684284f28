#include "ca_backend/sqlite_writer.hpp"

#include <pthread.h>

#include <boost/asio/associated_executor.hpp>

namespace scepgate::ca_backend::sqlite {

namespace asio = boost::asio;

Result<Brackets> Brackets::prepare(const Database& database) {
    Brackets made;
    // IMMEDIATE: from here on nobody else writes, so what is looked up stays true until the end.
    const auto prepared = prepare_all(database, {{made.begin, "BEGIN IMMEDIATE"},
                                                 {made.commit, "COMMIT"},
                                                 {made.savepoint, "SAVEPOINT work"},
                                                 {made.release, "RELEASE work"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<Changes> Changes::prepare(Database database) {
    auto brackets = Brackets::prepare(database);
    if (!brackets) return brackets.error();
    auto recorder = Recorder::prepare(database);
    if (!recorder) return recorder.error();
    auto revoker = Revoker::prepare(database);
    if (!revoker) return revoker.error();
    return Changes{std::move(database), *std::move(brackets), *std::move(recorder),
                   *std::move(revoker)};
}

Result<std::unique_ptr<Writer>> Writer::start(Database database) {
    auto changes = Changes::prepare(std::move(database));
    if (!changes) return changes.error();
    return std::unique_ptr<Writer>(new Writer(*std::move(changes)));
}

Writer::Writer(Changes changes) : changes_(std::move(changes)) {
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
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back({std::move(work), std::move(handler), std::move(guard), {}});
    }
    something_to_do_.notify_one();
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
            group.swap(queue_);
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
    }
}

void Writer::write(std::vector<Waiting>& group) {
    auto written = write_in_transaction(group);
    if (written) return;
    Database& database = changes_.database;
    if (database.in_transaction()) {
        if (const auto undone = database.execute("ROLLBACK"); !undone) {
            written.error().detail += "; and " + undone.error().detail;
        }
    }
    for (Waiting& waiting : group)
        waiting.outcome = Error{Errc::kUnavailable, "store: " + written.error().detail};
}

Result<void> Writer::write_in_transaction(std::vector<Waiting>& group) {
    Brackets& brackets = changes_.brackets;
    if (const auto begun = brackets.begin.run().finish(); !begun) return begun.error();
    for (Waiting& waiting : group) {
        if (const auto written = write_one(waiting); !written) return written.error();
    }
    const auto purged = changes_.recorder.purge_redemptions(changes_.now, 2 * group.size());
    if (!purged) return purged.error();
    return brackets.commit.run().finish();
}

/// An error here ends the whole transaction.
Result<void> Writer::write_one(Waiting& waiting) {
    if (const auto begun = changes_.brackets.savepoint.run().finish(); !begun) return begun.error();
    waiting.outcome = waiting.work(changes_);
    if (!waiting.outcome) {
        if (waiting.outcome.error().code == Errc::kUnavailable) return waiting.outcome.error();
        const auto undone = changes_.database.execute("ROLLBACK TO work");
        if (!undone) return undone.error();
    }
    return changes_.brackets.release.run().finish();
}

}  // namespace scepgate::ca_backend::sqlite
