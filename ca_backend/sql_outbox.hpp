// The outbox of a store.
#pragma once

#include <atomic>

#include "ca_backend/outbox.hpp"
#include "ca_backend/sql_connections.hpp"

namespace scepgate::ca_backend {

class SqlOutbox final : public Outbox {
public:
    explicit SqlOutbox(sql::Connections& connections) : connections_(connections) {}

    void announce_by(std::shared_ptr<const Announcer> announcer) override;
    boost::asio::awaitable<Result<std::size_t>> add_bounded(std::vector<OutboxEvent> events,
                                                            std::size_t most,
                                                            std::int64_t now) override;
    Result<std::optional<std::int64_t>> next_due(const std::string& target,
                                                 std::int64_t now) override;
    boost::asio::awaitable<Result<std::vector<OutboxRow>>> claim(OutboxClaim claim) override;
    boost::asio::awaitable<Result<void>> settle(OutboxResult result) override;
    boost::asio::awaitable<Result<OutboxRetry>> retry(std::string target,
                                                      std::int64_t now) override;
    boost::asio::awaitable<Result<std::size_t>> drop(std::string target) override;
    Result<std::vector<OutboxRow>> list(const std::string& target, std::size_t most) override;
    Result<std::vector<OutboxCount>> count() override;

    /// Null: nobody wants to be told.
    [[nodiscard]] std::shared_ptr<const Announcer> announcer() const { return announcer_.load(); }

private:
    sql::Connections& connections_;
    std::atomic<std::shared_ptr<const Announcer>> announcer_;
};

}  // namespace scepgate::ca_backend
