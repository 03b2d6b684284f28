// Reading the store from many threads.
#pragma once

#include <mutex>
#include <type_traits>

#include "ca_backend/sql_challenges.hpp"
#include "ca_backend/sql_outbox_rows.hpp"
#include "ca_backend/sql_revocations.hpp"
#include "ca_backend/sql_transactions.hpp"

namespace scepgate::ca_backend::sql {

/// One reading connection with its statements.
struct Reader {
    std::unique_ptr<Connection> connection;
    Transactions transactions;
    Certificates certificates;
    Crls crls;
    OutboxReader outbox;
    Challenges challenges;

    static Result<std::unique_ptr<Reader>> prepare(std::unique_ptr<Connection> connection);
};

/// As many readers as threads have ever read at once; opening one costs far more than a look-up.
class ReaderPool {
public:
    explicit ReaderPool(Connect connect) : connect_(std::move(connect)) {}

    /// Calls `read` with a reader that nobody else uses meanwhile.
    template <class Read>
    auto with(Read read) -> std::invoke_result_t<Read, Reader&> {
        auto reader = take();
        if (!reader) return reader.error();
        auto result = read(**reader);
        give_back(*std::move(reader));
        return result;
    }

private:
    Result<std::unique_ptr<Reader>> take();
    void give_back(std::unique_ptr<Reader> reader);

    Connect connect_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace scepgate::ca_backend::sql
