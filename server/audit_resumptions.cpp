#include "server/audit_resumptions.hpp"

#include <boost/asio/post.hpp>

namespace scepgate::server {

void AuditResumptions::add(Suspended suspended, Offer offer) {
    const auto executor = suspended.guard.get_executor();
    {
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::move(suspended));
    }
    if (offer == Offer::kToOthers)
        boost::asio::post(executor, [self = shared_from_this()] { self->run_next(); });
}

void AuditResumptions::run_here() {
    while (run_next()) {
    }
}

bool AuditResumptions::run_next() {
    std::unique_lock lock(mutex_);
    if (ready_.empty()) return false;
    Suspended next = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    // At once where this is one of its executor's threads, else by one of them.
    next.guard.get_executor().execute(
        [handler = std::move(next.handler), outcome = std::move(next.outcome)]() mutable {
            std::move(handler)(std::move(outcome));
        });
    return true;
}

}  // namespace scepgate::server
