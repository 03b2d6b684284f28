// One piece of work for all who want its result at the same time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "certs/result.hpp"

namespace scepgate::policy {

/// The first who comes starts the work; who comes while it runs gets the same result. The work goes
/// on when the one who started it is cancelled: others wait for it. T is copied. Safe for
/// concurrent use.
template <class T>
class SingleFlight {
public:
    /// Makes the coroutine; that must own, or share, all that it uses.
    using Work = std::function<boost::asio::awaitable<Result<T>>()>;

    boost::asio::awaitable<Result<T>> join(Work work) {
        const auto executor = co_await boost::asio::this_coro::executor;
        const auto initiate = [state = state_, work = std::move(work), executor](auto handler) {
            if (!state->add({executor, std::move(handler)})) return;
            boost::asio::co_spawn(executor, work(),
                                  [state](const std::exception_ptr& thrown, Result<T> result) {
                                      if (thrown) result = Error{Errc::kInternal, "it failed"};
                                      state->end(result);
                                  });
        };
        co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                       void(Result<T>)>(initiate,
                                                                        boost::asio::use_awaitable);
    }

private:
    using Handler = boost::asio::any_completion_handler<void(Result<T>)>;
    struct Waiter {
        boost::asio::any_io_executor executor;
        Handler handler;
    };
    struct State {
        /// True for the first.
        bool add(Waiter waiter) {
            const std::lock_guard lock(mutex);
            waiters.push_back(std::make_unique<Waiter>(std::move(waiter)));
            return waiters.size() == 1;
        }
        void end(const Result<T>& result) {
            std::vector<std::unique_ptr<Waiter>> all;
            {
                const std::lock_guard lock(mutex);
                all.swap(waiters);
            }
            for (auto& waiter : all) {
                boost::asio::post(waiter->executor,
                                  [handler = std::move(waiter->handler), result]() mutable {
                                      std::move(handler)(std::move(result));
                                  });
            }
        }
        std::mutex mutex;
        // Never assigned, so behind pointers: Boost 1.81 recurses without end there.
        std::vector<std::unique_ptr<Waiter>> waiters;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace scepgate::policy
