// The one thread that writes to the store.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <limits>
#include <mutex>
#include <span>
#include <thread>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "ca_backend/sql_challenges.hpp"
#include "ca_backend/sql_clock.hpp"
#include "ca_backend/sql_crls.hpp"
#include "ca_backend/sql_outbox_rows.hpp"
#include "ca_backend/sql_recorder.hpp"
#include "ca_backend/sql_revocations.hpp"

namespace scepgate::ca_backend::sql {

/// What a piece of work writes with: the writer's connection and its statements.
struct Changes {
    std::unique_ptr<Connection> connection;
    Recorder recorder;
    Revoker revoker;
    CrlKeeper crls;
    OutboxWriter outbox;
    ChallengeWriter challenges;
    ClockJudge clock;
    std::int64_t now =
        kNobodySaid;               ///< the earliest time that a piece of this group's work spoke of
    bool adds_challenges = false;  ///< a piece of this group's work does

    static constexpr std::int64_t kNobodySaid = std::numeric_limits<std::int64_t>::max();

    static Result<Changes> prepare(std::unique_ptr<Connection> connection);
};

/// One piece of work, to be durable as a whole or not at all; it may be done again after it was
/// undone. kUnavailable fails all of its group; any other error only itself.
using Work = std::function<Result<void>(Changes&)>;
using WorkHandler = boost::asio::any_completion_handler<void(Result<void>)>;

/// Group commit: takes all work that waits, does it in one transaction and, when that is on disk,
/// tells all of them how it ended, each on its own executor. While it waits for the disk, the next
/// group gathers; while all cores are busy, too; and it waits a moment until as many have come as
/// the last time, so one client alone does not wait. When the transaction fails, it fails
/// for all of its group. There is no savepoint around each piece of work, which would cost more
/// than the work: one that fails with something written, as almost none does, has the whole group
/// undone and done again one by one. With each group a few redemptions are removed that nobody
/// needs any more, and with one that adds challenges a few of these, more than the group can have
/// added; now and then, so are old requests that came to nothing.
class Writer {
public:
    /// `reconnect`: opens another connection when the one there is was lost; empty: it never is.
    static Result<std::unique_ptr<Writer>> start(std::unique_ptr<Connection> connection,
                                                 Connect reconnect = {});
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    /// Writes what waits, then ends the thread.
    ~Writer();

    /// What `work` refers to stays alive until `handler` is called.
    void submit(Work work, WorkHandler handler);

    /// The last transaction, not long ago, found that this machine's clock is not the database's.
    /// Safe for concurrent use.
    [[nodiscard]] bool clock_is_wrong() const noexcept;

private:
    /// The handler's executor is told to wait: its context must not run out of work meanwhile.
    struct Waiting {
        Work work;
        WorkHandler handler;
        boost::asio::executor_work_guard<boost::asio::any_completion_executor> guard;
        Result<void> outcome;
    };

    Writer(Changes changes, Connect reconnect);
    void run();
    void write(std::span<Waiting> group);
    /// Again, while what failed was others' doing, or a connection that was lost.
    Result<void> write_persistently(std::span<Waiting> group);
    enum class Step { kWriting, kCommitting };
    Result<void> write_in_transaction(std::span<Waiting> group, Step& step);
    Result<void> replace_lost_connection();
    Result<void> purge(std::size_t limit);
    void note_clock(bool wrong) noexcept;

    Changes changes_;
    Connect reconnect_;
    std::int64_t pending_purged_ = 0;                 ///< seconds since the epoch
    std::atomic<std::int64_t> clock_wrong_until_{0};  ///< seconds of the steady clock
    std::mutex mutex_;
    std::condition_variable something_to_do_;
    std::vector<Waiting> queue_;
    std::size_t expected_ = 1;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace scepgate::ca_backend::sql
