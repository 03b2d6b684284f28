// Challenges that were made here: counted, bound to names, and withdrawn.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "certs/bytes.hpp"

namespace scepgate::ca_backend {

struct ChallengeRow {
    std::string scope;  ///< Redemption::policy, and …
    Bytes token;        ///< … Redemption::token: of a one-time password its hash
    std::string caller;
    std::int64_t created = 0;
    std::int64_t expires = 0;  ///< from then on it is refused, and no longer outstanding
    std::string claims;        ///< what it is bound to, JSON; empty: it says so itself
};

enum class ChallengeState { kOutstanding, kUsed, kWithdrawn, kExpired };

[[nodiscard]] constexpr const char* to_text(ChallengeState state) noexcept {
    switch (state) {
        case ChallengeState::kOutstanding:
            return "outstanding";
        case ChallengeState::kUsed:
            return "used";
        case ChallengeState::kWithdrawn:
            return "withdrawn";
        case ChallengeState::kExpired:
            return "expired";
    }
    return "?";
}

/// What to_text() writes.
[[nodiscard]] constexpr std::optional<ChallengeState> challenge_state_from_text(
    std::string_view text) noexcept {
    for (const auto state : {ChallengeState::kOutstanding, ChallengeState::kUsed,
                             ChallengeState::kWithdrawn, ChallengeState::kExpired}) {
        if (text == to_text(state)) return state;
    }
    return std::nullopt;
}

struct StoredChallenge {
    ChallengeRow row;
    ChallengeState state = ChallengeState::kOutstanding;  ///< at the time that was asked for
};

/// How many challenges there may be, with the one that is added; 0: no limit. Outstanding: neither
/// used nor withdrawn nor expired.
struct ChallengeLimits {
    std::size_t outstanding = 0;            ///< of the scope, whoever made them
    std::size_t outstanding_of_caller = 0;  ///< of the caller, in whatever scope
    std::size_t made_by_caller = 0;         ///< since `since`, whatever became of them
    std::int64_t since = 0;
};

struct ChallengeAdded {};
/// ChallengeLimits::outstanding.
struct ChallengeCacheFull {};
/// One of the caller's own limits.
struct ChallengeQuotaReached {};

using AddChallengeOutcome = std::variant<ChallengeAdded, ChallengeCacheFull, ChallengeQuotaReached>;

struct ChallengeFilter {
    std::int64_t now = 0;
    std::optional<std::set<std::string>> scopes{};  ///< one of these
    std::optional<std::string> caller{};
    std::optional<ChallengeState> state{};
    std::string token_prefix{};  ///< lower-case hex
    std::size_t limit = 100;
};

/// A part of Store, with its promises. Used up is a challenge by the redemption of its scope and
/// token, whoever records that.
class ChallengeStore {
public:
    virtual ~ChallengeStore() = default;

    /// Counts and adds in one step: several nodes together never go beyond a limit. kConflict: this
    /// token is there already.
    virtual boost::asio::awaitable<Result<AddChallengeOutcome>> add_challenge(
        ChallengeRow row, ChallengeLimits limits) = 0;
    /// Expired ones are forgotten a day after their end, or later.
    virtual Result<std::optional<StoredChallenge>> find_challenge(std::string_view scope,
                                                                  ByteView token,
                                                                  std::int64_t now) = 0;
    /// Newest first.
    virtual Result<std::vector<StoredChallenge>> list_challenges(const ChallengeFilter& filter) = 0;
    /// From now on it cannot be used, whatever is under way. kNotFound; kConflict when it was used
    /// or withdrawn before.
    virtual boost::asio::awaitable<Result<void>> withdraw_challenge(std::string scope, Bytes token,
                                                                    std::int64_t now) = 0;
};

}  // namespace scepgate::ca_backend
