// Waiting for a coroutine no longer than so long, whether or not it ends.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scepgate::server {

/// How a coroutine under a limit ended: its value, what it threw, or (both empty) not in time.
template <class T>
struct LimitedOutcome {
    std::optional<T> value;
    std::exception_ptr thrown;
};

/// One wait. The coroutine, the timer and the waiter may be on three threads; whichever of the
/// first two is first ends the wait, the other finds it ended.
template <class T>
class LimitedCall : public std::enable_shared_from_this<LimitedCall<T>> {
public:
    using Executor = boost::asio::any_io_executor;
    using Handler = boost::asio::any_completion_handler<void(LimitedOutcome<T>)>;

    explicit LimitedCall(const Executor& executor)
        : executor_(executor), strand_(boost::asio::make_strand(executor)), timer_(executor) {}

    void start(boost::asio::awaitable<T> work, std::chrono::milliseconds limit, Handler handler) {
        {
            const std::lock_guard lock(mutex_);
            handler_.emplace(std::move(handler));
            timer_.expires_after(limit);
            timer_.async_wait([self = this->shared_from_this()](boost::system::error_code error) {
                if (!error) self->time_out();
            });
        }
        auto ended = [self = this->shared_from_this()](std::exception_ptr failure, T value) {
            if (failure) {
                self->end({std::nullopt, std::move(failure)});
            } else {
                self->end({std::move(value), nullptr});
            }
        };
        boost::asio::co_spawn(
            strand_, std::move(work),
            boost::asio::bind_cancellation_slot(cancel_.slot(), std::move(ended)));
    }

private:
    void time_out() {
        if (!end({})) return;
        // On the strand: a signal is not for several threads.
        boost::asio::post(strand_, [self = this->shared_from_this()] {
            self->cancel_.emit(boost::asio::cancellation_type::terminal);
        });
    }

    /// False when the wait had ended before.
    bool end(LimitedOutcome<T> outcome) {
        std::optional<Handler> handler;
        {
            const std::lock_guard lock(mutex_);
            if (!handler_) return false;
            handler.emplace(*std::move(handler_));
            handler_.reset();
            timer_.cancel();
        }
        boost::asio::post(executor_,
                          [handler = *std::move(handler), outcome = std::move(outcome)]() mutable {
                              std::move(handler)(std::move(outcome));
                          });
        return true;
    }

    Executor executor_;
    boost::asio::strand<Executor> strand_;
    boost::asio::cancellation_signal cancel_;
    std::mutex mutex_;
    std::optional<Handler> handler_;  ///< never assigned: Boost 1.81 recurses without end there
    boost::asio::steady_timer timer_;
};

/// Runs `work` and waits for it at most `limit`. Work that is not done then is told so by
/// cancellation and goes on by itself: it must own, or share, all that it uses.
template <class T>
boost::asio::awaitable<LimitedOutcome<T>> within(std::chrono::milliseconds limit,
                                                 boost::asio::awaitable<T> work) {
    const auto executor = co_await boost::asio::this_coro::executor;
    auto call = std::make_shared<LimitedCall<T>>(executor);
    using Signature = void(LimitedOutcome<T>);
    const auto initiate = [call, limit](typename LimitedCall<T>::Handler handler,
                                        boost::asio::awaitable<T> started) {
        call->start(std::move(started), limit, std::move(handler));
    };
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, Signature>(
        initiate, boost::asio::use_awaitable, std::move(work));
}

}  // namespace scepgate::server
