#include "ca_backend/sql_reader.hpp"

#include <chrono>

namespace scepgate::ca_backend::sql {
namespace {

constexpr std::chrono::seconds kLongestWait{5};

}  // namespace

Result<std::unique_ptr<Reader>> Reader::prepare(std::unique_ptr<Connection> connection) {
    auto transactions = Transactions::prepare(*connection);
    if (!transactions) return transactions.error();
    auto certificates = Certificates::prepare(*connection);
    if (!certificates) return certificates.error();
    auto revocations = Revocations::prepare(*connection);
    if (!revocations) return revocations.error();
    auto compromised_keys = CompromisedKeys::prepare(*connection);
    if (!compromised_keys) return compromised_keys.error();
    auto crls = Crls::prepare(*connection);
    if (!crls) return crls.error();
    auto pages = RevocationPages::prepare(*connection);
    if (!pages) return pages.error();
    auto outbox = OutboxReader::prepare(*connection);
    if (!outbox) return outbox.error();
    auto challenges = Challenges::prepare(*connection);
    if (!challenges) return challenges.error();
    return std::make_unique<Reader>(
        Reader{std::move(connection), *std::move(transactions), *std::move(certificates),
               *std::move(revocations), *std::move(compromised_keys), *std::move(crls),
               *std::move(pages), *std::move(outbox), *std::move(challenges)});
}

Result<ReaderPool::Held> ReaderPool::hold() {
    auto reader = take();
    if (!reader) return reader.error();
    return Held(*this, *std::move(reader));
}

Result<std::unique_ptr<Reader>> ReaderPool::take() {
    {
        std::unique_lock lock(mutex_);
        const auto free = [this] { return in_use_ < most_; };
        if (!given_back_.wait_for(lock, kLongestWait, free)) {
            return Error{Errc::kUnavailable, "all connections that read from the store are in use"};
        }
        ++in_use_;
        if (!idle_.empty()) {
            auto reader = std::move(idle_.back());
            idle_.pop_back();
            return reader;
        }
    }
    return open();
}

Result<std::unique_ptr<Reader>> ReaderPool::replace(std::unique_ptr<Reader> lost) {
    std::vector<std::unique_ptr<Reader>> closed;
    {
        const std::lock_guard lock(mutex_);
        closed.swap(idle_);
    }
    closed.push_back(std::move(lost));
    closed.clear();
    return open();
}

Result<std::unique_ptr<Reader>> ReaderPool::open() {
    auto connection = connect_();
    auto reader = connection ? Reader::prepare(*std::move(connection)) : connection.error();
    if (!reader) give_back(nullptr);
    return reader;
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
    {
        const std::lock_guard lock(mutex_);
        --in_use_;
        if (reader && !reader->connection->is_lost()) idle_.push_back(std::move(reader));
    }
    given_back_.notify_one();
}

}  // namespace scepgate::ca_backend::sql
