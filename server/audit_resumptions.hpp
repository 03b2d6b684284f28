// Coroutines whose records are in the audit file, or could not be written, and that can go on.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "certs/result.hpp"

namespace scepgate::server {

/// A coroutine that waits. Its frame, where its record is, belongs to the handler. Its executor is
/// told to wait: its context must not run out of work meanwhile.
struct Suspended {
    using Handler = boost::asio::any_completion_handler<void(Result<void>)>;

    Suspended(Handler waiting, const boost::asio::any_io_executor& executor)
        : handler(std::move(waiting)), guard(executor) {}

    Handler handler;
    boost::asio::executor_work_guard<boost::asio::any_io_executor> guard;
    Result<void> outcome;
};

/// Each goes on in a thread of its own executor, whichever has time first: the one that wrote, or
/// another that is idle. Put behind all that waits for its executor, it would wait once more,
/// though it came long before.
class AuditResumptions : public std::enable_shared_from_this<AuditResumptions> {
public:
    enum class Offer { kToOthers, kHereAlone };
    /// kHereAlone: run_here() follows, and no other thread need be woken for it.
    void add(Suspended suspended, Offer offer);
    /// Those of this thread's executor go on now, one after the other, unless another thread takes
    /// them up. Hold no lock meanwhile.
    void run_here();

private:
    /// False when there is none.
    bool run_next();

    std::mutex mutex_;
    std::deque<Suspended> ready_;
};

}  // namespace scepgate::server
