// Tells others what became of certificates: sends what waits in the store's outbox.
#pragma once

#include <atomic>
#include <map>
#include <thread>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "policy/http_client.hpp"
#include "policy/webhook_signature.hpp"
#include "server/notices.hpp"
#include "server/operation.hpp"

namespace scepgate::server {

/// Where one notifier's messages go.
struct NotifierTarget {
    std::string name;
    std::string url;
    policy::WebhookKeys keys;
    std::shared_ptr<policy::HttpClient> client;
    std::chrono::milliseconds timeout{10'000};
    std::int64_t give_up_after = 72 * 3600;  ///< seconds
};

/// All of a configuration.
struct NotifierSet {
    std::vector<Subscription> subscriptions;
    std::vector<NotifierTarget> targets;
};

/// How long after its n-th failure a message is tried again: 1 s, twice as long each time, at most
/// an hour; `random` (0 to 1) takes up to half of it away, so that many do not come at once.
[[nodiscard]] std::int64_t retry_delay(std::int64_t attempts, double random);

/// Sends each target's messages in their order, one at a time; the targets do not wait for each
/// other. What was not heard (any status but 2xx, or no answer) is tried again until it is too old;
/// then it is thrown away, and the audit file says so. Has one thread; requests never wait for it.
class Notifier : public std::enable_shared_from_this<Notifier> {
public:
    explicit Notifier(ServiceParts parts);
    ~Notifier();
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    /// From now on these, instead of those before. The store announces for them.
    void use(std::shared_ptr<const NotifierSet> set);

    /// Tells of a refusal, soon: those that were not written when the process dies are lost, and of
    /// a flood the oldest. (What is issued or revoked is written with the record.)
    void refused(const RefusedRequest& request);

    /// Sends what is due and can be sent within this time, then ends. May be called again.
    void stop(std::chrono::milliseconds drain);

private:
    struct Delivery;
    using Clock = std::chrono::steady_clock;

    void wake();
    void start(const std::shared_ptr<const NotifierSet>& set);
    void watch_over(const std::shared_ptr<Delivery>& delivery);
    boost::asio::awaitable<void> run(std::shared_ptr<Delivery> delivery);
    boost::asio::awaitable<std::chrono::milliseconds> guarded_round(Delivery& delivery);
    boost::asio::awaitable<std::chrono::milliseconds> round(Delivery& delivery);
    boost::asio::awaitable<ca_backend::OutboxResult> send_all(
        Delivery& delivery, std::vector<ca_backend::OutboxRow> rows, Clock::time_point until);
    boost::asio::awaitable<Result<void>> send(const NotifierTarget& target,
                                              const ca_backend::OutboxRow& row);
    bool give_up(const NotifierTarget& target, const ca_backend::OutboxRow& row,
                 const std::string& error);
    boost::asio::awaitable<void> write_refusals();
    void warn_of_orphans(const NotifierSet* set);

    ServiceParts parts_;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::atomic<bool> woken_ = false;

    std::mutex mutex_;
    std::shared_ptr<const Notices> notices_;  ///< null: nobody is told anything
    std::vector<ca_backend::OutboxEvent> refusals_;
    std::size_t lost_ = 0;  ///< refusals that found no room in memory
    bool writing_ = false;

    // Of the thread alone.
    std::vector<std::shared_ptr<Delivery>> deliveries_;
    bool draining_ = false;
    boost::asio::steady_timer drained_{context_};
    std::thread thread_;
};

}  // namespace scepgate::server
