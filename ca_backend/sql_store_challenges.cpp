// SqlStore's part about challenges.
#include "ca_backend/sql_store_impl.hpp"

namespace scepgate::ca_backend {

namespace asio = boost::asio;

asio::awaitable<Result<AddChallengeOutcome>> SqlStore::add_challenge(ChallengeRow row,
                                                                     ChallengeLimits limits) {
    return impl_->write<AddChallengeOutcome>([row = std::move(row), limits](sql::Changes& changes) {
        changes.now = std::min(changes.now, row.created);
        changes.adds_challenges = true;
        return changes.challenges.add(row, limits);
    });
}

Result<std::optional<StoredChallenge>> SqlStore::find_challenge(std::string_view scope,
                                                                ByteView token, std::int64_t now) {
    return impl_->read([scope, token, now](sql::Reader& reader) {
        return reader.challenges.find(scope, token, now);
    });
}

Result<std::vector<StoredChallenge>> SqlStore::list_challenges(const ChallengeFilter& filter) {
    return impl_->read([&filter](sql::Reader& reader) {
        return sql::list_challenges(*reader.connection, filter);
    });
}

asio::awaitable<Result<void>> SqlStore::withdraw_challenge(std::string scope, Bytes token,
                                                           std::int64_t now) {
    return impl_->write<void>(
        [scope = std::move(scope), token = std::move(token), now](sql::Changes& changes) {
            return changes.challenges.withdraw(scope, token, now);
        });
}

}  // namespace scepgate::ca_backend
