#include "server/http_connections.hpp"

#include "server/http_address.hpp"

namespace scepgate::server {

void ConnectionCounts::set_limits(const HttpLimits& limits) noexcept {
    const std::lock_guard lock(mutex_);
    limit_ = limits.connections;
    limit_per_address_ = limits.connections_per_address;
    told_per_second_ = limits.told_per_second;
}

std::optional<ConnectionCounts::Place> ConnectionCounts::admit(
    const boost::asio::ip::address& address) {
    std::string owner = owner_of(address);
    const std::lock_guard lock(mutex_);
    if (count_ >= limit_) return std::nullopt;
    std::size_t& here = by_owner_[owner];
    if (here >= limit_per_address_) return std::nullopt;
    ++here;
    ++count_;
    return Place(*this, std::move(owner));
}

void ConnectionCounts::release(const std::string& owner) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = by_owner_.find(owner);
    if (--found->second == 0) by_owner_.erase(found);
    if (--count_ == 0) empty_.notify_all();
}

ConnectionCounts::Place::~Place() {
    if (!counts_) return;
    (void)hold(0);
    counts_->release(owner_);
}

bool ConnectionCounts::Place::hold(std::size_t octets) noexcept {
    const std::size_t wanted = octets > kSmall ? octets - kSmall : 0;
    if (wanted == held_) return true;  // as for nearly all: no thread waits for another
    if (wanted > held_) {
        const std::size_t more = wanted - held_;
        if (counts_->large_.fetch_add(more) + more > kMostLarge) {
            counts_->large_.fetch_sub(more);
            return false;
        }
    } else {
        counts_->large_.fetch_sub(held_ - wanted);
    }
    held_ = wanted;
    return true;
}

std::size_t ConnectionCounts::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

std::size_t ConnectionCounts::told_per_second() const {
    const std::lock_guard lock(mutex_);
    return told_per_second_;
}

bool ConnectionCounts::wait_until_empty(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return empty_.wait_for(lock, time, [this] { return count_ == 0; });
}

}  // namespace scepgate::server
