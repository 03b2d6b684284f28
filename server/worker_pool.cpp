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
    --pool_->all_.taken;
    if (waiting_) --pool_->all_.waiting;
    if (share_ == pool_->shares_.end()) return;
    if (waiting_) --share_->second.waiting;
    if (--share_->second.taken == 0) pool_->shares_.erase(share_);
}

void WorkerPool::Place::begin() noexcept {
    if (!waiting_) return;
    waiting_ = false;
    const std::lock_guard lock(pool_->mutex_);
    if (share_ != pool_->shares_.end()) --share_->second.waiting;
    pool_->pace_.begun(QueuePace::Clock::now(), --pool_->all_.waiting);
}

std::optional<WorkerPool::Place> WorkerPool::take_place() {
    const std::lock_guard lock(mutex_);
    if (!has_room({})) return std::nullopt;
    return take(shares_.end());
}

std::optional<WorkerPool::Place> WorkerPool::take_place(const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto found = shares_.find(owner);
    if (!has_room(found == shares_.end() ? Share() : found->second)) return std::nullopt;
    return take(found == shares_.end() ? shares_.try_emplace(owner).first : found);
}

bool WorkerPool::has_room(const Share& own) const noexcept {
    if (all_.taken + own.taken >= capacity_) return false;
    // Whoever's they are: a handful of devices behind one address is no flood.
    if (longest_wait_ == std::chrono::milliseconds(0) || all_.waiting < always_) return true;
    return pace_.wait(QueuePace::Clock::now(), all_.waiting + own.waiting) <= longest_wait_;
}

WorkerPool::Place WorkerPool::take(Shares::iterator share) noexcept {
    ++all_.taken;
    ++all_.waiting;
    if (share != shares_.end()) {
        ++share->second.taken;
        ++share->second.waiting;
    }
    return Place(*this, share);
}

std::size_t WorkerPool::owners() const {
    const std::lock_guard lock(mutex_);
    return shares_.size();
}

void WorkerPool::join() {
    threads_.join();
}

}  // namespace scepgate::server
