// Reading the store from many threads.
#pragma once

#include <condition_variable>
#include <limits>
#include <mutex>
#include <type_traits>

#include "ca_backend/sql_challenges.hpp"
#include "ca_backend/sql_compromised_keys.hpp"
#include "ca_backend/sql_crls.hpp"
#include "ca_backend/sql_outbox_rows.hpp"
#include "ca_backend/sql_revocations.hpp"
#include "ca_backend/sql_transactions.hpp"

namespace scepgate::ca_backend::sql {

/// One reading connection with its statements.
struct Reader {
    std::unique_ptr<Connection> connection;
    Transactions transactions;
    Certificates certificates;
    Revocations revocations;
    CompromisedKeys compromised_keys;
    Crls crls;
    RevocationPages pages;
    OutboxReader outbox;
    Challenges challenges;

    static Result<std::unique_ptr<Reader>> prepare(std::unique_ptr<Connection> connection);
};

/// As many readers as threads have ever read at once, and at most `most`; opening one costs far
/// more than a look-up. Who comes when all are in use waits for one, for a while.
class ReaderPool {
public:
    static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

    explicit ReaderPool(Connect connect, std::size_t most = kNoLimit)
        : connect_(std::move(connect)), most_(most) {}

    /// Calls `read` with a reader that nobody else uses meanwhile; once more with a new connection
    /// when the old one is found lost.
    template <class Read>
    auto with(Read read) -> std::invoke_result_t<Read, Reader&> {
        auto reader = take();
        if (!reader) return reader.error();
        auto result = read(**reader);
        if (!(*reader)->connection->is_lost()) {
            give_back(*std::move(reader));
            return result;
        }
        auto another = replace(*std::move(reader));
        if (!another) return another.error();
        result = read(**another);
        give_back(*std::move(another));
        return result;
    }

    /// One for a while: nobody else has it meanwhile.
    class Held {
    public:
        Held() = default;
        Held(ReaderPool& pool, std::unique_ptr<Reader> reader) noexcept
            : pool_(&pool), reader_(std::move(reader)) {}
        Held(Held&& other) noexcept = default;
        Held& operator=(Held&&) = delete;
        ~Held() {
            if (reader_) pool_->give_back(std::move(reader_));
        }
        [[nodiscard]] Reader& operator*() const noexcept { return *reader_; }

    private:
        ReaderPool* pool_ = nullptr;
        std::unique_ptr<Reader> reader_;
    };
    Result<Held> hold();

private:
    Result<std::unique_ptr<Reader>> take();
    /// What idles is older than this one, and most likely lost too.
    Result<std::unique_ptr<Reader>> replace(std::unique_ptr<Reader> lost);
    Result<std::unique_ptr<Reader>> open();
    void give_back(std::unique_ptr<Reader> reader);

    Connect connect_;
    std::size_t most_;
    std::size_t in_use_ = 0;
    std::mutex mutex_;
    std::condition_variable given_back_;
    std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace scepgate::ca_backend::sql
