// What commands share that change the store beside a running server: the store, the audit file, and
// who is at the keyboard.
#pragma once

#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "ca_backend/embedded_ca.hpp"
#include "ca_backend/sqlite_store.hpp"
#include "server/audit_log.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

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

/// The store for reading; prints what is wrong and gives nothing when it cannot be opened.
[[nodiscard]] std::unique_ptr<ca_backend::SqliteStore> open_store_to_read(const Config& config);

/// The store for writing, and the audit file, which stands first: what cannot be audited is not
/// done.
struct Records {
    std::shared_ptr<AuditLog> audit;
    std::unique_ptr<ca_backend::SqliteStore> store;
};
/// Prints what is wrong and gives nothing when one of them cannot be opened.
[[nodiscard]] std::optional<Records> open_records(const Config& config);

/// One of the configuration's CAs, whatever else of the configuration has faults. Prints what is
/// wrong with the CA and gives null.
[[nodiscard]] std::shared_ptr<ca_backend::EmbeddedCa> load_ca(const Config& config,
                                                              const std::string& name);

/// Who runs this: the user's name, and whom sudo was called by ("root (alice)").
[[nodiscard]] std::string operator_name();

}  // namespace scepgate::server::cli
