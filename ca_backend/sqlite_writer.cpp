#include "ca_backend/sqlite_writer.hpp"

#include <boost/asio/associated_executor.hpp>

namespace scepgate::ca_backend::sqlite {

namespace asio = boost::asio;

Result<Changes> Changes::prepare(Database database) {
    auto recorder = Recorder::prepare(database);
    if (!recorder) return recorder.error();
    auto revoker = Revoker::prepare(database);
    if (!revoker) return revoker.error();
    return Changes{std::move(database), *std::move(recorder), *std::move(revoker)};
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
    // IMMEDIATE: from here on nobody else writes, so what is looked up stays true until the end.
    if (const auto begun = changes_.database.execute("BEGIN IMMEDIATE"); !begun)
        return begun.error();
    for (Waiting& waiting : group) {
        if (const auto written = write_one(waiting); !written) return written.error();
    }
    const auto purged = changes_.recorder.purge_redemptions(changes_.now, 2 * group.size());
    if (!purged) return purged.error();
    return changes_.database.execute("COMMIT");
}

/// An error here ends the whole transaction.
Result<void> Writer::write_one(Waiting& waiting) {
    Database& database = changes_.database;
    if (const auto begun = database.execute("SAVEPOINT work"); !begun) return begun.error();
    waiting.outcome = waiting.work(changes_);
    if (!waiting.outcome) {
        if (waiting.outcome.error().code == Errc::kUnavailable) return waiting.outcome.error();
        if (const auto undone = database.execute("ROLLBACK TO work"); !undone)
            return undone.error();
    }
    return database.execute("RELEASE work");
}

}  // namespace scepgate::ca_backend::sqlite
