// The current CRL of a CA whose key is here.
#pragma once

#include <mutex>

#include <boost/asio/awaitable.hpp>

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
};

/// Gives the same CRL until a revocation was recorded or half of its validity has passed, then
/// makes the next. It is kept in the store, so that a restart and other processes give it too.
class CrlMaker {
public:
    explicit CrlMaker(CrlSettings settings);

    [[nodiscard]] const IssuerHash& issuer() const noexcept { return issuer_; }

    /// While a new one is being made, other callers get the one before it, as long as that is
    /// valid: a crowd of them does not make a crowd of signatures. Safe for concurrent use.
    boost::asio::awaitable<Result<certs::Crl>> current(Store& store, std::int64_t now);

private:
    struct Current {
        certs::Crl crl;
        std::int64_t number = 0;
        std::int64_t revision = -1;
    };

    [[nodiscard]] bool is_fresh(const Current& current, std::int64_t revision,
                                std::int64_t now) const noexcept;
    [[nodiscard]] Result<std::optional<Current>> kept(Store& store, std::int64_t revision,
                                                      std::int64_t now) const;
    boost::asio::awaitable<Result<Current>> make(Store& store, std::int64_t now) const;
    void remember(const Current& made);

    CrlSettings settings_;
    IssuerHash issuer_;
    std::mutex mutex_;
    Current current_;  ///< guarded by mutex_
    bool making_ = false;
};

}  // namespace scepgate::ca_backend
