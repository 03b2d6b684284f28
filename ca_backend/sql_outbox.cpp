#include "ca_backend/sql_outbox.hpp"

namespace scepgate::ca_backend {

namespace asio = boost::asio;

void SqlOutbox::announce_by(std::shared_ptr<const Announcer> announcer) {
    announcer_.store(std::move(announcer));
}

asio::awaitable<Result<std::size_t>> SqlOutbox::add_bounded(std::vector<OutboxEvent> events,
                                                            std::size_t most, std::int64_t now) {
    return connections_.write<std::size_t>(
        [events = std::move(events), most, now](sql::Changes& changes) {
            return changes.outbox.add_bounded(events, most, now);
        });
}

Result<std::optional<std::int64_t>> SqlOutbox::next_due(const std::string& target,
                                                        std::int64_t now) {
    return connections_.read(
        [&target, now](sql::Reader& reader) { return reader.outbox.next_due(target, now); });
}

asio::awaitable<Result<std::vector<OutboxRow>>> SqlOutbox::claim(OutboxClaim claim) {
    return connections_.write<std::vector<OutboxRow>>(
        [claim = std::move(claim)](sql::Changes& changes) { return changes.outbox.claim(claim); });
}

asio::awaitable<Result<void>> SqlOutbox::settle(OutboxResult result) {
    return connections_.write<void>([result = std::move(result)](sql::Changes& changes) {
        return changes.outbox.settle(result);
    });
}

asio::awaitable<Result<OutboxRetry>> SqlOutbox::retry(std::string target, std::int64_t now) {
    return connections_.write<OutboxRetry>(
        [target = std::move(target), now](sql::Changes& changes) {
            return sql::retry_outbox(*changes.connection, target, now);
        });
}

asio::awaitable<Result<std::size_t>> SqlOutbox::drop(std::string target) {
    return connections_.write<std::size_t>([target = std::move(target)](sql::Changes& changes) {
        return sql::drop_outbox(*changes.connection, target);
    });
}

Result<std::vector<OutboxRow>> SqlOutbox::list(const std::string& target, std::size_t most) {
    return connections_.read([&target, most](sql::Reader& reader) {
        return sql::list_outbox(*reader.connection, target, most);
    });
}

Result<std::vector<OutboxCount>> SqlOutbox::count() {
    return connections_.read(
        [](sql::Reader& reader) { return sql::count_outbox(*reader.connection); });
}

}  // namespace scepgate::ca_backend
