#include "ca_backend/sql_reader.hpp"

namespace scepgate::ca_backend::sql {

Result<std::unique_ptr<Reader>> Reader::prepare(std::unique_ptr<Connection> connection) {
    auto transactions = Transactions::prepare(*connection);
    if (!transactions) return transactions.error();
    auto certificates = Certificates::prepare(*connection);
    if (!certificates) return certificates.error();
    auto crls = Crls::prepare(*connection);
    if (!crls) return crls.error();
    auto outbox = OutboxReader::prepare(*connection);
    if (!outbox) return outbox.error();
    auto challenges = Challenges::prepare(*connection);
    if (!challenges) return challenges.error();
    return std::make_unique<Reader>(Reader{std::move(connection), *std::move(transactions),
                                           *std::move(certificates), *std::move(crls),
                                           *std::move(outbox), *std::move(challenges)});
}

Result<std::unique_ptr<Reader>> ReaderPool::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto reader = std::move(idle_.back());
            idle_.pop_back();
            return reader;
        }
    }
    auto connection = connect_();
    if (!connection) return connection.error();
    return Reader::prepare(*std::move(connection));
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
}

}  // namespace scepgate::ca_backend::sql
