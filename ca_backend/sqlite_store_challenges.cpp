// SqliteStore's part about challenges.
#include "ca_backend/sqlite_store_impl.hpp"

namespace scepgate::ca_backend {

namespace asio = boost::asio;

asio::awaitable<Result<AddChallengeOutcome>> SqliteStore::add_challenge(ChallengeRow row,
                                                                        ChallengeLimits limits) {
    return impl_->write<AddChallengeOutcome>(
        [row = std::move(row), limits](sqlite::Changes& changes) {
            changes.now = std::min(changes.now, row.created);
            changes.adds_challenges = true;
            return changes.challenges.add(row, limits);
        });
}

Result<std::optional<StoredChallenge>> SqliteStore::find_challenge(std::string_view scope,
                                                                   ByteView token,
                                                                   std::int64_t now) {
    return impl_->read([scope, token, now](sqlite::Reader& reader) {
        return reader.challenges.find(scope, token, now);
    });
}

Result<std::vector<StoredChallenge>> SqliteStore::list_challenges(const ChallengeFilter& filter) {
    return impl_->read([&filter](sqlite::Reader& reader) {
        return sqlite::list_challenges(reader.database, filter);
    });
}

asio::awaitable<Result<void>> SqliteStore::withdraw_challenge(std::string scope, Bytes token,
                                                              std::int64_t now) {
    return impl_->write<void>(
        [scope = std::move(scope), token = std::move(token), now](sqlite::Changes& changes) {
            return changes.challenges.withdraw(scope, token, now);
        });
}

}  // namespace scepgate::ca_backend
