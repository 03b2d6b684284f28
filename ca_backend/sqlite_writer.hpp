// The one thread that writes to the SQLite store.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "ca_backend/sqlite_inserter.hpp"

namespace scepgate::ca_backend::sqlite {

using RecordHandler = boost::asio::any_completion_handler<void(Result<RecordOutcome>)>;

/// Group commit: takes all records that wait, writes them in one transaction and, when that is on
/// disk, tells all of them how it ended, each on its own executor. While it waits for the disk, the
/// next group gathers. When the transaction fails, it fails for all of its group.
class Writer {
public:
    static Result<std::unique_ptr<Writer>> start(Database database);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    /// Writes what waits, then ends the thread.
    ~Writer();

    void submit(IssuanceRecord record, RecordHandler handler);

private:
    /// The handler's executor is told to wait: its context must not run out of work meanwhile.
    struct Waiting {
        IssuanceRecord record;
        RecordHandler handler;
        boost::asio::executor_work_guard<boost::asio::any_completion_executor> work;
        Result<RecordOutcome> outcome;
    };

    Writer(Database database, Inserter inserter);
    void run();
    void write(std::vector<Waiting>& group);
    Result<void> write_in_transaction(std::vector<Waiting>& group);

    Database database_;
    Inserter inserter_;
    std::mutex mutex_;
    std::condition_variable something_to_do_;
    std::vector<Waiting> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace scepgate::ca_backend::sqlite
