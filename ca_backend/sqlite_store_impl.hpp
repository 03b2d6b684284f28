// Behind SqliteStore.
#pragma once

#include "ca_backend/sqlite_outbox.hpp"
#include "ca_backend/sqlite_store.hpp"

namespace scepgate::ca_backend {

class SqliteStore::Impl {
public:
    Impl(const std::filesystem::path& file, std::unique_ptr<sqlite::Writer> writer)
        : connections_(file, std::move(writer)) {}

    template <class Read>
    auto read(Read read) {
        return connections_.read(std::move(read));
    }
    template <class T>
    boost::asio::awaitable<Result<T>> write(std::function<Result<T>(sqlite::Changes&)> work) {
        return connections_.write<T>(std::move(work));
    }
    [[nodiscard]] SqliteOutbox& outbox() noexcept { return outbox_; }

private:
    sqlite::Connections connections_;
    SqliteOutbox outbox_{connections_};
};

}  // namespace scepgate::ca_backend
