// For whoever has no thread to give: tools and tests.
#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace scepgate::ca_backend {

/// Runs a coroutine to its end on this thread. `context`: for what is awaited from threads that may
/// let go of it a moment after they answered.
template <class T>
T wait_for(boost::asio::io_context& context, boost::asio::awaitable<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(context, std::move(task), [&result](std::exception_ptr failure, T value) {
        if (failure) std::rethrow_exception(failure);
        result.emplace(std::move(value));
    });
    context.run();
    return std::move(result).value();
}

template <class T>
T wait_for(boost::asio::awaitable<T> task) {
    boost::asio::io_context context;
    return wait_for(context, std::move(task));
}

}  // namespace scepgate::ca_backend
