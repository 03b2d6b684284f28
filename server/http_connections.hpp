// How many connections there are, in all and for each address.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "server/http_settings.hpp"

namespace scepgate::server {

/// Counts admitted connections against the limits, and what their requests and replies hold; used
/// by all threads.
class ConnectionCounts {
public:
    /// Octets of a request or reply that are not counted: those of devices are smaller, and are
    /// served while others hold all of kMostLarge.
    static constexpr std::size_t kSmall = std::size_t{32} * 1024;
    /// What all requests, and the replies that wait to be written, hold together beyond that.
    static constexpr std::size_t kMostLarge = std::size_t{256} * 1024 * 1024;

    explicit ConnectionCounts(const HttpLimits& limits) noexcept { set_limits(limits); }
    void set_limits(const HttpLimits& limits) noexcept;

    /// The place of one connection, given back on destruction.
    class Place {
    public:
        Place(Place&& other) noexcept
            : counts_(std::exchange(other.counts_, nullptr)),
              owner_(std::move(other.owner_)),
              held_(std::exchange(other.held_, 0)) {}
        Place& operator=(Place&&) = delete;
        ~Place();

        /// The connection's request or reply has so many octets from now on; false, and no change,
        /// where large ones hold too much already.
        [[nodiscard]] bool hold(std::size_t octets) noexcept;

    private:
        friend class ConnectionCounts;
        Place(ConnectionCounts& counts, std::string owner) noexcept
            : counts_(&counts), owner_(std::move(owner)) {}
        ConnectionCounts* counts_;
        std::string owner_;
        std::size_t held_ = 0;  ///< of kMostLarge
    };

    /// Nothing when a limit is reached. `address` is plain (http_address.hpp).
    [[nodiscard]] std::optional<Place> admit(const boost::asio::ip::address& address);
    [[nodiscard]] std::size_t count() const;
    /// HttpLimits::told_per_second.
    [[nodiscard]] std::size_t told_per_second() const;
    /// False when there are still connections after `time`.
    bool wait_until_empty(std::chrono::milliseconds time);

private:
    void release(const std::string& owner) noexcept;

    mutable std::mutex mutex_;
    std::condition_variable empty_;
    std::map<std::string, std::size_t> by_owner_;  ///< owner_of() the address
    std::atomic<std::size_t> large_{0};            ///< of kMostLarge
    std::size_t count_ = 0;
    std::size_t limit_ = 0;
    std::size_t limit_per_address_ = 0;
    std::size_t told_per_second_ = 0;
};

}  // namespace scepgate::server
