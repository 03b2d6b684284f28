#include "ca_backend/sqlite_writer.hpp"

#include <boost/asio/associated_executor.hpp>

namespace scepgate::ca_backend::sqlite {

namespace asio = boost::asio;

Result<std::unique_ptr<Writer>> Writer::start(Database database) {
    auto inserter = Inserter::prepare(database);
    if (!inserter) return inserter.error();
    return std::unique_ptr<Writer>(new Writer(std::move(database), *std::move(inserter)));
}

Writer::Writer(Database database, Inserter inserter)
    : database_(std::move(database)), inserter_(std::move(inserter)) {
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

void Writer::submit(IssuanceRecord record, RecordHandler handler) {
    auto work = asio::make_work_guard(asio::get_associated_executor(handler));
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(
            {std::move(record), std::move(handler), std::move(work), Result<RecordOutcome>()});
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
            waiting.work.get_executor().execute([handler = std::move(waiting.handler),
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
    if (database_.in_transaction()) {
        if (const auto undone = database_.execute("ROLLBACK"); !undone) {
            written.error().detail += "; and " + undone.error().detail;
        }
    }
    for (Waiting& waiting : group)
        waiting.outcome = Error{Errc::kUnavailable, "store: " + written.error().detail};
}

Result<void> Writer::write_in_transaction(std::vector<Waiting>& group) {
    // IMMEDIATE: from here on nobody else writes, so what is looked up stays true until the end.
    if (const auto begun = database_.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
    for (Waiting& waiting : group) {
        waiting.outcome = inserter_.insert(database_, waiting.record);
        if (!waiting.outcome && waiting.outcome.error().code == Errc::kUnavailable) {
            return waiting.outcome.error();
        }
    }
    return database_.execute("COMMIT");
}

}  // namespace scepgate::ca_backend::sqlite
