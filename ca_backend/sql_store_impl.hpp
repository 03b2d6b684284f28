// Behind SqlStore.
#pragma once

#include "ca_backend/sql_outbox.hpp"
#include "ca_backend/sql_store.hpp"

namespace scepgate::ca_backend {

class SqlStore::Impl {
public:
    Impl(std::unique_ptr<sql::Writer> writer, sql::Connect connect_reader, std::size_t most_readers)
        : connections_(std::move(writer), std::move(connect_reader), most_readers) {}

    template <class Read>
    auto read(Read read) {
        return connections_.read(std::move(read));
    }
    Result<sql::ReaderPool::Held> hold_reader() { return connections_.hold_reader(); }
    [[nodiscard]] bool clock_is_wrong() const noexcept { return connections_.clock_is_wrong(); }
    template <class T>
    boost::asio::awaitable<Result<T>> write(std::function<Result<T>(sql::Changes&)> work) {
        return connections_.write<T>(std::move(work));
    }
    [[nodiscard]] SqlOutbox& outbox() noexcept { return outbox_; }

private:
    sql::Connections connections_;
    SqlOutbox outbox_{connections_};
};

}  // namespace scepgate::ca_backend
