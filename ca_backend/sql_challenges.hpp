// Challenges in the store.
#pragma once

#include "ca_backend/challenge_store.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

/// Looking them up.
class Challenges {
public:
    static Result<Challenges> prepare(Connection& connection);

    Result<std::optional<StoredChallenge>> find(std::string_view scope, ByteView token,
                                                std::int64_t now);

private:
    Statement find_;
};

/// Writing inside an open write transaction, as Recorder does.
class ChallengeWriter {
public:
    static Result<ChallengeWriter> prepare(Connection& connection);

    Result<AddChallengeOutcome> add(const ChallengeRow& row, const ChallengeLimits& limits);
    Result<void> withdraw(std::string_view scope, ByteView token, std::int64_t now);
    /// Removes at most `limit` that expired longer ago than any quota looks back.
    Result<void> purge(std::int64_t now, std::size_t limit);

private:
    Challenges challenges_;
    Statement outstanding_;
    Statement outstanding_of_caller_;
    Statement made_by_caller_;
    Statement add_;
    Statement redeem_;
    Statement withdraw_;
    Statement purge_;
};

/// Newest first.
Result<std::vector<StoredChallenge>> list_challenges(Connection& connection,
                                                     const ChallengeFilter& filter);

}  // namespace scepgate::ca_backend::sql
