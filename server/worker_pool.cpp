#include "server/worker_pool.hpp"

#include "server/cores.hpp"

namespace scepgate::server {

WorkerPool::WorkerPool(unsigned threads, std::size_t capacity)
    : threads_(threads != 0 ? threads : usable_cores()), capacity_(capacity) {}

WorkerPool::~WorkerPool() {
    join();
}

WorkerPool::Place::~Place() {
    if (pool_ != nullptr) pool_->taken_.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<WorkerPool::Place> WorkerPool::take_place() noexcept {
    if (taken_.fetch_add(1, std::memory_order_relaxed) >= capacity_) {
        taken_.fetch_sub(1, std::memory_order_relaxed);
        return std::nullopt;
    }
    return Place(*this);
}

void WorkerPool::join() {
    threads_.join();
}

}  // namespace scepgate::server
