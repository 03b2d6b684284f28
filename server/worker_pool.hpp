// The threads that do cryptography, with a bound on what may wait for them.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

#include <boost/asio/thread_pool.hpp>

namespace scepgate::server {

/// As many threads as usable cores, and a count of the enrolments in progress. A full pool says so
/// at once (HTTP 503), so that waiting never grows without bound.
class WorkerPool {
public:
    /// `threads` 0: one a core. `capacity`: enrolments in progress, waiting ones included.
    WorkerPool(unsigned threads, std::size_t capacity);
    ~WorkerPool();

    /// A place in the pool, given back on destruction.
    class Place {
    public:
        Place(Place&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)) {}
        Place& operator=(Place&&) = delete;
        ~Place();

    private:
        friend class WorkerPool;
        explicit Place(WorkerPool& pool) noexcept : pool_(&pool) {}
        WorkerPool* pool_;
    };

    /// Nothing when the pool is full.
    [[nodiscard]] std::optional<Place> take_place() noexcept;
    [[nodiscard]] boost::asio::thread_pool::executor_type executor() noexcept {
        return threads_.get_executor();
    }
    /// Waits for what runs, then ends the threads.
    void join();

private:
    boost::asio::thread_pool threads_;
    std::atomic<std::size_t> taken_{0};
    std::size_t capacity_;
};

}  // namespace scepgate::server
