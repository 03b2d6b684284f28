// The connections to one store: the thread that writes, and those that read.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ca_backend/sql_reader.hpp"
#include "ca_backend/sql_writer.hpp"

namespace scepgate::ca_backend::sql {

class Connections {
public:
    /// Without a writer it only reads.
    Connections(std::unique_ptr<Writer> writer, Connect connect_reader, std::size_t most_readers)
        : writer_(std::move(writer)), readers_(std::move(connect_reader), most_readers) {}

    template <class Read>
    auto read(Read read) {
        return readers_.with(std::move(read));
    }

    Result<ReaderPool::Held> hold_reader() { return readers_.hold(); }

    [[nodiscard]] bool clock_is_wrong() const noexcept {
        return writer_ && writer_->clock_is_wrong();
    }

    /// Does `work` on the writer's thread and gives what it returned, once that is on disk. The
    /// coroutine's frame, where both live, belongs to the handler that the writer keeps.
    template <class T>
    boost::asio::awaitable<Result<T>> write(std::function<Result<T>(Changes&)> work) {
        if (!writer_) {
            co_return Error{Errc::kDenied, "the store was opened for reading only"};
        }
        Result<T> outcome;
        const auto ended = co_await submit([&work, &outcome](Changes& changes) {
            outcome = work(changes);
            return outcome ? Result<void>() : Result<void>(outcome.error());
        });
        if (!ended) co_return ended.error();
        co_return outcome;
    }

private:
    boost::asio::awaitable<Result<void>> submit(Work work) {
        namespace asio = boost::asio;
        const auto initiate = [this](WorkHandler handler, Work submitted) {
            writer_->submit(std::move(submitted), std::move(handler));
        };
        return asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
            initiate, asio::use_awaitable, std::move(work));
    }

    // In this order: the last connection to close should be the one that can tidy up (SQLite its
    // WAL).
    std::unique_ptr<Writer> writer_;
    ReaderPool readers_;
};

}  // namespace scepgate::ca_backend::sql
