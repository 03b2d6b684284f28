#include "ca_backend/sqlite_reader.hpp"

namespace scepgate::ca_backend::sqlite {

Result<std::unique_ptr<Reader>> Reader::open(const std::filesystem::path& file) {
    auto database = Database::open(file, Database::Access::kReadOnly);
    if (!database) return database.error();
    auto transactions = Transactions::prepare(*database);
    if (!transactions) return transactions.error();
    auto certificates = Certificates::prepare(*database);
    if (!certificates) return certificates.error();
    auto crls = Crls::prepare(*database);
    if (!crls) return crls.error();
    auto outbox = OutboxReader::prepare(*database);
    if (!outbox) return outbox.error();
    auto challenges = Challenges::prepare(*database);
    if (!challenges) return challenges.error();
    return std::make_unique<Reader>(Reader{*std::move(database), *std::move(transactions),
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
    return Reader::open(file_);
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
}

}  // namespace scepgate::ca_backend::sqlite
