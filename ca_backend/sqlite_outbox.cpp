#include "ca_backend/sqlite_outbox.hpp"

namespace scepgate::ca_backend {

namespace asio = boost::asio;

void SqliteOutbox::announce_by(std::shared_ptr<const Announcer> announcer) {
    announcer_.store(std::move(announcer));
}

asio::awaitable<Result<std::size_t>> SqliteOutbox::add_bounded(std::vector<OutboxEvent> events,
                                                               std::size_t most, std::int64_t now) {
    return connections_.write<std::size_t>(
        [events = std::move(events), most, now](sqlite::Changes& changes) {
            return changes.outbox.add_bounded(changes.database, events, most, now);
        });
}

Result<std::optional<std::int64_t>> SqliteOutbox::next_due(const std::string& target,
                                                           std::int64_t now) {
    return connections_.read(
        [&target, now](sqlite::Reader& reader) { return reader.outbox.next_due(target, now); });
}

asio::awaitable<Result<std::vector<OutboxRow>>> SqliteOutbox::claim(OutboxClaim claim) {
    return connections_.write<std::vector<OutboxRow>>(
        [claim = std::move(claim)](sqlite::Changes& changes) {
            return changes.outbox.claim(claim);
        });
}

asio::awaitable<Result<void>> SqliteOutbox::settle(OutboxResult result) {
    return connections_.write<void>([result = std::move(result)](sqlite::Changes& changes) {
        return changes.outbox.settle(result);
    });
}

asio::awaitable<Result<OutboxRetry>> SqliteOutbox::retry(std::string target, std::int64_t now) {
    return connections_.write<OutboxRetry>(
        [target = std::move(target), now](sqlite::Changes& changes) {
            return sqlite::retry_outbox(changes.database, target, now);
        });
}

asio::awaitable<Result<std::size_t>> SqliteOutbox::drop(std::string target) {
    return connections_.write<std::size_t>([target = std::move(target)](sqlite::Changes& changes) {
        return sqlite::drop_outbox(changes.database, target);
    });
}

Result<std::vector<OutboxRow>> SqliteOutbox::list(const std::string& target, std::size_t most) {
    return connections_.read([&target, most](sqlite::Reader& reader) {
        return sqlite::list_outbox(reader.database, target, most);
    });
}

Result<std::vector<OutboxCount>> SqliteOutbox::count() {
    return connections_.read(
        [](sqlite::Reader& reader) { return sqlite::count_outbox(reader.database); });
}

}  // namespace scepgate::ca_backend
