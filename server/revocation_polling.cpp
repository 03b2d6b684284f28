#include "server/revocation_polling.hpp"

#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
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

asio::awaitable<void> follow(std::shared_ptr<IntuneRevocation> revocation,
                             std::shared_ptr<Log> log) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    const seconds every = revocation->feed().every;
    seconds pause = every;
    for (;;) {
        const auto polled = co_await revocation->poll();
        if (polled) {
            pause = every;
        } else {
            LogFields fields;
            fields.add("policy", revocation->feed().policy).add("reason", polled.error().detail);
            pause = std::max(every, std::min(pause * 2, kLongestPause));
            fields.add("again_in_s", static_cast<std::uint64_t>(pause.count()));
            log->warn("revocation requests of Intune not done", fields);
        }
        timer.expires_after(pause);
        co_await timer.async_wait(asio::use_awaitable);
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
            auto ended = [log = parts.log](const std::exception_ptr& thrown) {
                report(thrown, *log);
            };
            asio::co_spawn(context_, std::move(work),
                           asio::bind_cancellation_slot(cancels_.back()->slot(), std::move(ended)));
        }
        thread_ = std::thread([this] { context_.run(); });
    }
    /// The thread ends when nothing waits any more: all that waits is cancelled, and the calls to
    /// come back are still taken.
    ~Run() {
        asio::post(context_, [this] {
            for (auto& cancel : cancels_)
                cancel->emit(asio::cancellation_type::terminal);
        });
        thread_.join();
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

private:
    static void report(const std::exception_ptr& thrown, Log& log) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& error) {
            if (error.code() != asio::error::operation_aborted)
                log.error("revocation polling ended", LogFields().add("reason", error.what()));
        } catch (const std::exception& error) {
            log.error("revocation polling ended", LogFields().add("reason", error.what()));
        }
    }

    asio::io_context context_{1};
    std::vector<std::unique_ptr<asio::cancellation_signal>> cancels_;
    std::thread thread_;
};

RevocationPolling::RevocationPolling(ServiceParts parts) : parts_(std::move(parts)) {}

RevocationPolling::~RevocationPolling() {
    stop();
}

void RevocationPolling::start(std::vector<RevocationFeed> feeds) {
    stop();
    if (!feeds.empty()) run_ = std::make_unique<Run>(std::move(feeds), parts_);
}

void RevocationPolling::stop() {
    run_.reset();
}

}  // namespace scepgate::server
