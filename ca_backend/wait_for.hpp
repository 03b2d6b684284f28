// For whoever has no thread to give: tools and tests.
#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace scepgate::ca_backend {

/// Runs a coroutine to its end on this thread.
template <class T>
T wait_for(boost::asio::awaitable<T> task) {
    boost::asio::io_context context;
    std::optional<T> result;
    boost::asio::co_spawn(context, std::move(task), [&result](std::exception_ptr failure, T value) {
        if (failure) std::rethrow_exception(failure);
        result.emplace(std::move(value));
    });
    context.run();
    return std::move(result).value();
}

}  // namespace scepgate::ca_backend
