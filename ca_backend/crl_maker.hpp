// The current CRL of a CA whose key is here.
#pragma once

#include <mutex>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "ca_backend/store.hpp"
#include "certs/private_key.hpp"

namespace scepgate::ca_backend {

struct CrlSettings {
    std::string ca;  ///< its name, for messages
    Bytes issuer_der;
    Bytes key_identifier;
    certs::PrivateKey key;
    certs::Digest digest = certs::Digest::kSha256;
    std::int64_t validity = 0;  ///< seconds from thisUpdate to nextUpdate
    std::int64_t period = 0;    ///< seconds from thisUpdate until the next is made
};

/// Gives the same CRL until a revocation was recorded or its period has passed, then makes the
/// next. It is kept in the store, so that a restart and other processes give it too.
class CrlMaker {
public:
    explicit CrlMaker(CrlSettings settings);

    [[nodiscard]] const IssuerHash& issuer() const noexcept { return issuer_; }

    /// One caller at a time makes a new one; those who come meanwhile wait for it and share it, or
    /// its failure: a crowd of them does not make a crowd of signatures, and none of them gets a
    /// CRL from before a revocation that was recorded when it asked. Safe for concurrent use.
    boost::asio::awaitable<Result<certs::Crl>> current(Store& store, std::int64_t now);

private:
    struct Current {
        certs::Crl crl;
        std::int64_t number = 0;
        std::int64_t revision = -1;
    };

    struct Waiting {
        boost::asio::any_completion_handler<void(Result<Current>)> handler;
        boost::asio::executor_work_guard<boost::asio::any_io_executor> guard;
    };
    class Turn;

    boost::asio::awaitable<Result<Current>> join();
    void end_turn(const Result<Current>& outcome);
    boost::asio::awaitable<Result<Current>> renew(Store& store, std::int64_t revision,
                                                  std::int64_t now) const;
    [[nodiscard]] bool is_fresh(const Current& current, std::int64_t revision,
                                std::int64_t now) const noexcept;
    [[nodiscard]] Result<std::optional<Current>> kept(Store& store, std::int64_t revision,
                                                      std::int64_t now) const;
    boost::asio::awaitable<Result<Current>> make(Store& store, std::int64_t now) const;

    CrlSettings settings_;
    IssuerHash issuer_;
    std::mutex mutex_;
    // Guarded by mutex_:
    Current current_;
    bool making_ = false;
    std::vector<Waiting> waiting_;  ///< for the one that is being made
};

}  // namespace scepgate::ca_backend
