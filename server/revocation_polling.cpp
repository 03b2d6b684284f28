#include "server/revocation_polling.hpp"

#include <atomic>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/intune_revocation.hpp"

namespace scepgate::server {

namespace asio = boost::asio;

namespace {

using std::chrono::seconds;

constexpr seconds kLongestPause{3600};

/// Once through a feed, or why not. Nothing is thrown: a fault must not end the feed.
asio::awaitable<Result<void>> poll(IntuneRevocation& revocation) {
    std::string what;
    try {
        co_return co_await revocation.poll();
    } catch (const std::exception& error) {
        what = error.what();
    }
    co_return Error{Errc::kInternal, std::move(what)};
}

asio::awaitable<void> follow(std::shared_ptr<IntuneRevocation> revocation,
                             std::shared_ptr<Log> log) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    const seconds every = revocation->feed().every;
    seconds pause = every;
    for (;;) {
        const auto polled = co_await poll(*revocation);
        const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
        if (cancelled != asio::cancellation_type::none) co_return;
        if (polled) {
            pause = every;
        } else {
            const bool fault = polled.error().code == Errc::kInternal;
            const seconds longer = fault ? kLongestPause : std::min(pause * 2, kLongestPause);
            pause = std::max(every, longer);
            LogFields fields;
            fields.add("policy", revocation->feed().policy)
                .add("reason", polled.error().detail)
                .add("again_in_s", static_cast<std::uint64_t>(pause.count()));
            log->warn("revocation requests of Intune not done", fields);
        }
        timer.expires_after(pause);
        co_await timer.async_wait(asio::use_awaitable);  // throws when it is cancelled
    }
}

}  // namespace

/// The feeds of one configuration, and their thread.
class RevocationPolling::Run {
public:
    Run(std::vector<RevocationFeed> feeds, const ServiceParts& parts) {
        for (RevocationFeed& feed : feeds) {
            auto revocation = std::make_shared<IntuneRevocation>(std::move(feed), parts);
            auto work = follow(std::move(revocation), parts.log);
            cancels_.push_back(std::make_unique<asio::cancellation_signal>());
            asio::co_spawn(context_, std::move(work),
                           asio::bind_cancellation_slot(cancels_.back()->slot(), asio::detached));
        }
        thread_ = std::thread([this] {
            context_.run();
            ended_ = true;
        });
    }
    ~Run() {
        leave();
        thread_.join();
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// All that waits is cancelled; the thread ends when the calls that others wait for too, for a
    /// token, have come back.
    void leave() {
        asio::post(context_, [this] {
            for (auto& cancel : cancels_)
                cancel->emit(asio::cancellation_type::terminal);
        });
    }
    [[nodiscard]] bool ended() const noexcept { return ended_; }

private:
    asio::io_context context_{1};
    std::vector<std::unique_ptr<asio::cancellation_signal>> cancels_;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

RevocationPolling::RevocationPolling(ServiceParts parts) : parts_(std::move(parts)) {}

RevocationPolling::~RevocationPolling() {
    stop();
}

void RevocationPolling::start(std::vector<RevocationFeed> feeds) {
    if (run_) {
        run_->leave();
        leaving_.push_back(std::move(run_));
    }
    std::erase_if(leaving_, [](const auto& run) { return run->ended(); });
    if (!feeds.empty()) run_ = std::make_unique<Run>(std::move(feeds), parts_);
}

void RevocationPolling::stop() {
    run_.reset();
    leaving_.clear();
}

}  // namespace scepgate::server
