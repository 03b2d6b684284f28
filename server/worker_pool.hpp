// The threads that do cryptography, with a bound on what may wait for them.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/thread_pool.hpp>

#include "server/queue_pace.hpp"

namespace scepgate::server {

/// As many threads as usable cores, and a count of the enrolments in progress. A pool that has
/// enough to do says so at once (HTTP 503), so that waiting never grows without bound: what would
/// wait too long costs nothing but that answer.
///
/// Owners share it: what one has in it already counts twice against whatever more it asks for. So
/// one takes at most half, two take at most two thirds, and a newcomer always finds room.
class WorkerPool {
    struct Share {
        std::size_t taken = 0;
        std::size_t waiting = 0;
    };
    using Shares = std::map<std::string, Share>;

public:
    /// `threads` 0: one a core. `capacity`: enrolments in progress, waiting ones included.
    /// `longest_wait`: how long one may be expected to wait for a worker; zero for no limit.
    WorkerPool(unsigned threads, std::size_t capacity,
               std::chrono::milliseconds longest_wait = std::chrono::milliseconds(0));
    ~WorkerPool();

    /// A place in the pool, given back on destruction.
    class Place {
    public:
        Place(Place&& other) noexcept
            : pool_(std::exchange(other.pool_, nullptr)),
              share_(other.share_),
              waiting_(other.waiting_) {}
        Place& operator=(Place&&) = delete;
        ~Place();
        /// Called by the worker that takes it up: it waits no more.
        void begin() noexcept;

    private:
        friend class WorkerPool;
        Place(WorkerPool& pool, Shares::iterator share) noexcept : pool_(&pool), share_(share) {}
        WorkerPool* pool_;
        Shares::iterator share_;  ///< end() for nobody's
        bool waiting_ = true;
    };

    /// Nothing when the pool is full, or would leave it waiting for too long.
    [[nodiscard]] std::optional<Place> take_place();
    /// The same for one of many: `owner` as owner_of() (http_address.hpp) has it.
    [[nodiscard]] std::optional<Place> take_place(const std::string& owner);
    /// How many owners have places now.
    [[nodiscard]] std::size_t owners() const;
    [[nodiscard]] boost::asio::thread_pool::executor_type executor() noexcept {
        return threads_.get_executor();
    }
    /// Waits for what runs, then ends the threads.
    void join();

private:
    [[nodiscard]] bool has_room(const Share& own) const noexcept;
    [[nodiscard]] Place take(Shares::iterator share) noexcept;

    const std::size_t capacity_;
    const std::chrono::milliseconds longest_wait_;
    const std::size_t always_;  ///< so many may wait, whatever is expected

    mutable std::mutex mutex_;
    Share all_;
    Shares shares_;  ///< of those who have any
    QueuePace pace_;

    boost::asio::thread_pool threads_;
};

}  // namespace scepgate::server
