#include "server/outbound_http.hpp"

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <thread>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/outbound_transfer.hpp"

namespace scepgate::server {

namespace asio = boost::asio;

namespace {

using TransferPtr = std::shared_ptr<OutboundTransfer>;
using MultiPtr = std::unique_ptr<CURLM, certs::Deleter<curl_multi_cleanup>>;

constexpr long kIdleConnections = 64;
constexpr int kPollMilliseconds = 1000;
/// While calls wait for others to end: how late one may learn that its time is over.
constexpr int kQueuePollMilliseconds = 50;

/// A client's share of the engine.
struct Lane {
    explicit Lane(OutboundSettings of)
        : settings(std::make_shared<OutboundSettings>(std::move(of))) {}
    const std::shared_ptr<const OutboundSettings> settings;
    std::size_t accepted = 0;  ///< running and waiting; under the engine's mutex
    std::size_t running = 0;   ///< the engine's thread alone
};

struct Job {
    std::shared_ptr<Lane> lane;
    TransferPtr transfer;
};

}  // namespace

/// The thread, and what it is told from others.
class OutboundHttp::Engine {
public:
    Engine() : multi_(curl_multi_init()) {
        if (!multi_) throw std::runtime_error("libcurl does not start");
        curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kIdleConnections);
    }
    ~Engine() { stop(); }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    Result<void> submit(Job job) {
        const std::lock_guard lock(mutex_);
        if (stopped_) return job.transfer->unavailable("not called: the server is stopping");
        Lane& lane = *job.lane;
        if (lane.accepted >= lane.settings->in_flight + lane.settings->waiting) {
            return job.transfer->unavailable("not called: " + std::to_string(lane.accepted) +
                                             " calls are waiting for an answer already");
        }
        if (!thread_.joinable()) start_thread();
        ++lane.accepted;
        arrived_.push_back(std::move(job));
        curl_multi_wakeup(multi_.get());
        return {};
    }

    /// The waiter has given up.
    void cancel(const TransferPtr& transfer) {
        transfer->complete(transfer->unavailable("the call was given up"));
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        cancelled_.push_back(transfer);
        curl_multi_wakeup(multi_.get());
    }

    void stop() {
        std::thread thread;
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
            thread.swap(thread_);
            curl_multi_wakeup(multi_.get());
        }
        if (thread.joinable()) thread.join();
    }

private:
    void start_thread() {
        // Signals are for the threads that expect them.
        sigset_t all, before;
        sigfillset(&all);
        sigdelset(&all, SIGSYS);  // what the filter of system calls refuses is told by its handler
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([this] { run(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void run() {
        while (take_orders()) {
            start_waiting();
            int running = 0;
            curl_multi_perform(multi_.get(), &running);
            if (end_finished() && !queue_.empty()) continue;
            curl_multi_poll(multi_.get(), nullptr, 0,
                            queue_.empty() ? kPollMilliseconds : kQueuePollMilliseconds, nullptr);
        }
        while (!running_.empty())
            end(running_.begin()->first, std::nullopt);
        for (Job& job : queue_)
            fail(job, job.transfer->unavailable("the server is stopping"));
        queue_.clear();
    }

    /// False: to be stopped.
    bool take_orders() {
        std::vector<TransferPtr> cancelled;
        bool go_on = true;
        {
            const std::lock_guard lock(mutex_);
            std::move(arrived_.begin(), arrived_.end(), std::back_inserter(queue_));
            arrived_.clear();
            cancelled.swap(cancelled_);
            go_on = !stopped_;
        }
        for (const TransferPtr& transfer : cancelled) {
            if (running_.contains(transfer->handle())) {
                end(transfer->handle(), std::nullopt);
                continue;
            }
            const auto found = std::find_if(queue_.begin(), queue_.end(), [&](const Job& job) {
                return job.transfer == transfer;
            });
            if (found == queue_.end()) continue;
            forget(*found);
            queue_.erase(found);
        }
        return go_on;
    }

    void start_waiting() {
        const auto now = OutboundTransfer::Clock::now();
        std::deque<Job> later;
        for (Job& job : queue_) {
            if (job.transfer->deadline() <= now) {
                fail(job, job.transfer->too_late());
            } else if (job.lane->running < job.lane->settings->in_flight) {
                start(job);
            } else {
                later.push_back(std::move(job));
            }
        }
        queue_.swap(later);
    }

    void start(Job& job) {
        const auto handle = job.transfer->open();
        if (!handle) return fail(job, handle.error());
        if (const CURLMcode code = curl_multi_add_handle(multi_.get(), *handle); code != CURLM_OK)
            return fail(job, job.transfer->unavailable(curl_multi_strerror(code)));
        ++job.lane->running;
        running_.emplace(*handle, std::move(job));
    }

    bool end_finished() {
        bool any = false;
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            end(message->easy_handle, message->data.result);
            any = true;
        }
        return any;
    }

    /// `code`: libcurl's; empty: it is broken off.
    void end(CURL* handle, std::optional<CURLcode> code) {
        const auto found = running_.find(handle);
        if (found == running_.end()) return;
        Job job = std::move(found->second);
        running_.erase(found);
        auto outcome =
            code ? job.transfer->take(*code) : job.transfer->unavailable("the server is stopping");
        curl_multi_remove_handle(multi_.get(), handle);
        --job.lane->running;
        forget(job);
        job.transfer->complete(std::move(outcome));
    }

    void fail(const Job& job, Error error) {
        forget(job);
        job.transfer->complete(std::move(error));
    }

    void forget(const Job& job) {
        const std::lock_guard lock(mutex_);
        --job.lane->accepted;
    }

    MultiPtr multi_;

    std::mutex mutex_;
    bool stopped_ = false;
    std::thread thread_;
    std::vector<Job> arrived_;
    std::vector<TransferPtr> cancelled_;

    // The thread's own.
    std::deque<Job> queue_;
    std::map<CURL*, Job> running_;
};

class OutboundHttp::Client final : public policy::HttpClient {
public:
    Client(std::shared_ptr<Engine> engine, OutboundSettings settings)
        : engine_(std::move(engine)), lane_(std::make_shared<Lane>(std::move(settings))) {}

    asio::awaitable<Result<policy::HttpAnswer>> send(policy::HttpCall call) override {
        auto made = OutboundTransfer::make(std::move(call), lane_->settings);
        if (!made) co_return made.error();
        const auto executor = co_await asio::this_coro::executor;
        const Job job{lane_, std::move(*made)};
        const auto initiate = [engine = engine_, job, executor](auto handler) {
            // On the caller's executor; a call that has ended before is not found any more.
            auto slot = asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) {
                slot.assign([engine, weak = std::weak_ptr(job.transfer)](asio::cancellation_type) {
                    if (const auto transfer = weak.lock()) engine->cancel(transfer);
                });
            }
            job.transfer->wait(executor, std::move(handler));
            if (const auto accepted = engine->submit(job); !accepted)
                job.transfer->complete(accepted.error());
        };
        co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                                void(OutboundTransfer::Outcome)>(
            initiate, asio::use_awaitable);
    }

private:
    std::shared_ptr<Engine> engine_;
    std::shared_ptr<Lane> lane_;
};

OutboundHttp::OutboundHttp() : engine_(std::make_shared<Engine>()) {}

OutboundHttp::~OutboundHttp() {
    stop();
}

std::shared_ptr<policy::HttpClient> OutboundHttp::client(OutboundSettings settings) {
    return std::make_shared<Client>(engine_, std::move(settings));
}

void OutboundHttp::stop() {
    engine_->stop();
}

}  // namespace scepgate::server
