#include "server/http_connections.hpp"

namespace scepgate::server {

void ConnectionCounts::set_limits(const HttpLimits& limits) noexcept {
    const std::lock_guard lock(mutex_);
    limit_ = limits.connections;
    limit_per_address_ = limits.connections_per_address;
    told_per_second_ = limits.told_per_second;
}

std::optional<ConnectionCounts::Place> ConnectionCounts::admit(
    const boost::asio::ip::address& address) {
    Key key{address.is_v6(), 0};
    if (address.is_v6()) {
        // One subscriber has a /64 at the least, and may use a new address for each connection.
        const auto octets = address.to_v6().to_bytes();
        for (std::size_t i = 0; i < 8; ++i)
            key.second = key.second << 8 | octets[i];
    } else {
        key.second = address.to_v4().to_uint();
    }
    const std::lock_guard lock(mutex_);
    if (count_ >= limit_) return std::nullopt;
    std::size_t& here = by_address_[key];
    if (here >= limit_per_address_) return std::nullopt;
    ++here;
    ++count_;
    return Place(*this, key);
}

void ConnectionCounts::release(Key key) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(key);
    if (--found->second == 0) by_address_.erase(found);
    if (--count_ == 0) empty_.notify_all();
}

ConnectionCounts::Place::~Place() {
    if (!counts_) return;
    (void)hold(0);
    counts_->release(key_);
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
