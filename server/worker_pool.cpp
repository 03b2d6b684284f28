#include "server/worker_pool.hpp"

#include "server/cores.hpp"

namespace scepgate::server {
namespace {

unsigned threads_of(unsigned asked) {
    return asked != 0 ? asked : usable_cores();
}

/// For each thread. Few enough to be done soon; enough that there is always something to learn the
/// pace from, so that an estimate that a stall has spoilt mends itself.
constexpr std::size_t kAlwaysAThread = 8;

}  // namespace

WorkerPool::WorkerPool(unsigned threads, std::size_t capacity,
                       std::chrono::milliseconds longest_wait)
    : capacity_(capacity),
      longest_wait_(longest_wait),
      always_(kAlwaysAThread * threads_of(threads)),
      threads_(threads_of(threads)) {}

WorkerPool::~WorkerPool() {
    join();
}

WorkerPool::Place::~Place() {
    if (pool_ == nullptr) return;
    const std::lock_guard lock(pool_->mutex_);
    --pool_->taken_;
    if (waiting_) --pool_->waiting_;
}

void WorkerPool::Place::begin() noexcept {
    if (!waiting_) return;
    waiting_ = false;
    const std::lock_guard lock(pool_->mutex_);
    pool_->pace_.begun(QueuePace::Clock::now(), --pool_->waiting_);
}

std::optional<WorkerPool::Place> WorkerPool::take_place() {
    const std::lock_guard lock(mutex_);
    if (taken_ >= capacity_) return std::nullopt;
    const bool bounded = longest_wait_ > std::chrono::milliseconds(0) && waiting_ >= always_;
    if (bounded && pace_.wait(QueuePace::Clock::now(), waiting_) > longest_wait_)
        return std::nullopt;
    ++taken_;
    ++waiting_;
    return Place(*this);
}

void WorkerPool::join() {
    threads_.join();
}

}  // namespace scepgate::server
