#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "ca_backend/wait_for.hpp"
#include "tests/ca_backend/support/place.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using testing::describe;
using testing::kNow;
using testing::make_redeeming_record;
using testing::open_store;
using testing::record;

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 86'400;

ChallengeRow challenge(std::string_view token, std::string caller = "alice",
                       std::int64_t created = kNow) {
    ChallengeRow row;
    row.scope = make_redeeming_record("any").redemption->policy;
    row.token = to_bytes(as_bytes(token));
    row.caller = std::move(caller);
    row.created = created;
    row.expires = created + kHour;
    row.claims = "{}";
    return row;
}

std::string describe_added(const Result<AddChallengeOutcome>& outcome) {
    if (!outcome) return outcome.error().detail;
    if (std::holds_alternative<ChallengeAdded>(*outcome)) return "added";
    return std::holds_alternative<ChallengeCacheFull>(*outcome) ? "cache full" : "quota reached";
}

class StoreChallengesTest : public testing::OnEachEngine {
protected:
    std::string add(const ChallengeRow& row, ChallengeLimits limits = {}) {
        return describe_added(wait_for(store_->add_challenge(row, limits)));
    }
    std::string state(std::string_view token, std::int64_t now = kNow) {
        const auto row = challenge(token);
        const auto found = store_->find_challenge(row.scope, row.token, now).value();
        return found ? to_text(found->state) : "none";
    }
    Result<void> withdraw(std::string_view token) {
        const auto row = challenge(token);
        return wait_for(store_->withdraw_challenge(row.scope, row.token, kNow));
    }
    std::vector<std::string> listed(const ChallengeFilter& filter) {
        std::vector<std::string> tokens;
        for (const auto& found : store_->list_challenges(filter).value()) {
            tokens.emplace_back(as_text(found.row.token));
        }
        return tokens;
    }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
};

SCEPGATE_ON_EACH_ENGINE(StoreChallengesTest);

TEST_P(StoreChallengesTest, FindsWhatWasAddedAlsoAfterReopening) {
    ChallengeRow made = challenge("one");
    made.claims = R"({"device_id":"d7"})";
    ASSERT_EQ(add(made), "added");
    for (int i = 0; i < 2; ++i) {
        const auto found = store_->find_challenge(made.scope, made.token, kNow).value();
        ASSERT_TRUE(found);
        EXPECT_EQ(found->row.scope, made.scope);
        EXPECT_EQ(found->row.token, made.token);
        EXPECT_EQ(found->row.caller, "alice");
        EXPECT_EQ(found->row.created, kNow);
        EXPECT_EQ(found->row.expires, kNow + kHour);
        EXPECT_EQ(found->row.claims, made.claims);
        EXPECT_EQ(found->state, ChallengeState::kOutstanding);
        store_.reset();
        store_ = open_store(place_, StoreMode::kOpenExisting);
    }
    EXPECT_FALSE(store_->find_challenge("another scope", made.token, kNow).value());
}

TEST_P(StoreChallengesTest, TakesATokenOnce) {
    ASSERT_EQ(add(challenge("one")), "added");
    const auto again = wait_for(store_->add_challenge(challenge("one", "bob"), {}));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::kConflict);
    EXPECT_EQ(listed({.now = kNow}).size(), 1U);
}

TEST_P(StoreChallengesTest, IsUsedWithTheCertificateThatRedeemsIt) {
    ASSERT_EQ(add(challenge("one")), "added");
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("one"))), "recorded");
    EXPECT_EQ(state("one"), "used");
    EXPECT_EQ(state("one", kNow + kDay), "used");
}

TEST_P(StoreChallengesTest, ExpiresAtItsEnd) {
    ASSERT_EQ(add(challenge("one")), "added");
    EXPECT_EQ(state("one", kNow + kHour - 1), "outstanding");
    EXPECT_EQ(state("one", kNow + kHour), "expired");
}

TEST_P(StoreChallengesTest, CannotBeUsedOnceItIsWithdrawn) {
    ASSERT_EQ(add(challenge("one")), "added");
    ASSERT_TRUE(withdraw("one"));
    EXPECT_EQ(state("one"), "withdrawn");
    EXPECT_EQ(describe(record(*store_, make_redeeming_record("one"))), "already redeemed");
    EXPECT_EQ(state("one"), "withdrawn");
}

TEST_P(StoreChallengesTest, WithdrawsOnlyWhatIsThereAndNeitherUsedNorWithdrawn) {
    EXPECT_EQ(withdraw("one").error().code, Errc::kNotFound);
    ASSERT_EQ(add(challenge("one")), "added");
    ASSERT_TRUE(withdraw("one"));
    EXPECT_EQ(withdraw("one").error().code, Errc::kConflict);
    ASSERT_EQ(add(challenge("two")), "added");
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("two"))), "recorded");
    EXPECT_EQ(withdraw("two").error().code, Errc::kConflict);
    EXPECT_EQ(state("two"), "used");
}

TEST_P(StoreChallengesTest, HasRoomAgainAfterUseWithdrawalAndExpiry) {
    const ChallengeLimits limits{.outstanding = 2};
    ASSERT_EQ(add(challenge("one"), limits), "added");
    ASSERT_EQ(add(challenge("two", "bob"), limits), "added");
    EXPECT_EQ(add(challenge("three"), limits), "cache full");
    EXPECT_EQ(state("three"), "none");

    ASSERT_EQ(describe(record(*store_, make_redeeming_record("one"))), "recorded");
    EXPECT_EQ(add(challenge("three"), limits), "added");
    EXPECT_EQ(add(challenge("four"), limits), "cache full");
    ASSERT_TRUE(withdraw("two"));
    EXPECT_EQ(add(challenge("four"), limits), "added");
    EXPECT_EQ(add(challenge("five"), limits), "cache full");
    EXPECT_EQ(add(challenge("five", "alice", kNow + kHour), limits), "added");
}

TEST_P(StoreChallengesTest, CountsEachScopeForItself) {
    const ChallengeLimits limits{.outstanding = 1};
    ASSERT_EQ(add(challenge("one"), limits), "added");
    ChallengeRow other = challenge("two");
    other.scope = "another scope";
    EXPECT_EQ(add(other, limits), "added");
}

TEST_P(StoreChallengesTest, HoldsACallerToItsOwnLimitInWhateverScope) {
    const ChallengeLimits limits{.outstanding_of_caller = 2};
    ASSERT_EQ(add(challenge("one"), limits), "added");
    ChallengeRow other = challenge("two");
    other.scope = "another scope";
    ASSERT_EQ(add(other, limits), "added");
    EXPECT_EQ(add(challenge("three"), limits), "quota reached");
    EXPECT_EQ(add(challenge("three", "bob"), limits), "added");
    ASSERT_TRUE(withdraw("one"));
    EXPECT_EQ(add(challenge("four"), limits), "added");
}

TEST_P(StoreChallengesTest, CountsWhatACallerMadeWhateverBecameOfIt) {
    const auto limits = [](std::int64_t now) {
        return ChallengeLimits{.made_by_caller = 2, .since = now - kDay};
    };
    ASSERT_EQ(add(challenge("one"), limits(kNow)), "added");
    ASSERT_EQ(add(challenge("two"), limits(kNow)), "added");
    ASSERT_TRUE(withdraw("one"));
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("two"))), "recorded");
    EXPECT_EQ(add(challenge("three"), limits(kNow)), "quota reached");
    const std::int64_t later = kNow + kDay - 1;
    EXPECT_EQ(add(challenge("three", "alice", later), limits(later)), "quota reached");
    EXPECT_EQ(add(challenge("three", "alice", later + 1), limits(later + 1)), "added");
}

TEST_P(StoreChallengesTest, NeverGoesBeyondALimitWithTwoNodesOnOneFile) {
    constexpr int kEach = 32;
    constexpr std::size_t kLimit = 5;
    auto other = open_store(place_, StoreMode::kOpenExisting);
    boost::asio::io_context context;
    std::vector<std::string> outcomes;
    for (int i = 0; i < 2 * kEach; ++i) {
        SqlStore& node = i % 2 == 0 ? *store_ : *other;
        boost::asio::co_spawn(
            context,
            [&node, &outcomes, i]() -> boost::asio::awaitable<void> {
                outcomes.push_back(describe_added(co_await node.add_challenge(
                    challenge("token " + std::to_string(i)), {.outstanding = kLimit})));
            },
            boost::asio::detached);
    }
    context.run();
    const auto count = [&](std::string_view what) {
        return static_cast<std::size_t>(std::count(outcomes.begin(), outcomes.end(), what));
    };
    EXPECT_EQ(count("added"), kLimit);
    EXPECT_EQ(count("cache full"), 2 * kEach - kLimit);
    EXPECT_EQ(listed({.now = kNow}).size(), kLimit);
}

TEST_P(StoreChallengesTest, ListsWhatIsOfOneOfSeveralScopes) {
    for (const char* scope : {"a", "b", "c"}) {
        ChallengeRow row = challenge(scope);
        row.scope = scope;
        ASSERT_EQ(add(row), "added");
    }
    const std::set<std::string> scopes{"a", "b", "none"};
    using Tokens = std::vector<std::string>;
    EXPECT_EQ(listed({.now = kNow, .scopes = scopes}), (Tokens{"b", "a"}));
    EXPECT_EQ(listed({.now = kNow, .scopes = scopes, .limit = 1}), Tokens{"b"}) << "of these";
    EXPECT_EQ(listed({.now = kNow, .scopes = std::set<std::string>{}}), Tokens{});
}

TEST_P(StoreChallengesTest, ListsNewestFirstAndWhatIsAskedFor) {
    ASSERT_EQ(add(challenge("used")), "added");
    ASSERT_EQ(add(challenge("withdrawn")), "added");
    ASSERT_EQ(add(challenge("open", "bob")), "added");
    ASSERT_EQ(add(challenge("late", "bob", kNow + kHour)), "added");
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("used"))), "recorded");
    ASSERT_TRUE(withdraw("withdrawn"));
    using Tokens = std::vector<std::string>;
    const std::int64_t now = kNow + kHour;
    EXPECT_EQ(listed({.now = now}), (Tokens{"late", "open", "withdrawn", "used"}));
    EXPECT_EQ(listed({.now = now, .limit = 2}), (Tokens{"late", "open"}));
    EXPECT_EQ(listed({.now = now, .caller = "alice"}), (Tokens{"withdrawn", "used"}));
    EXPECT_EQ(listed({.now = now, .state = ChallengeState::kOutstanding}), Tokens{"late"});
    EXPECT_EQ(listed({.now = now, .state = ChallengeState::kExpired}), Tokens{"open"});
    EXPECT_EQ(listed({.now = now, .state = ChallengeState::kUsed}), Tokens{"used"});
    EXPECT_EQ(listed({.now = now, .state = ChallengeState::kWithdrawn}), Tokens{"withdrawn"});
    EXPECT_EQ(listed({.now = now, .token_prefix = to_hex(as_bytes("la"))}), Tokens{"late"});
    EXPECT_EQ(listed({.now = now, .token_prefix = "6"}), (Tokens{"late", "open"}));
}

TEST_P(StoreChallengesTest, ForgetsADayAfterTheEndAndNotBefore) {
    ASSERT_EQ(add(challenge("old")), "added");
    const std::int64_t end = kNow + kHour;
    // So long was it, by a certificate of the store.
    IssuanceRecord later = testing::make_record();
    later.now = end + kDay + 10;
    ASSERT_EQ(describe(record(*store_, later)), "recorded");
    ASSERT_EQ(add(challenge("one", "bob", end + kDay)), "added");
    EXPECT_EQ(state("old"), "outstanding");
    ASSERT_EQ(add(challenge("two", "bob", end + kDay + 1)), "added");
    EXPECT_EQ(state("old"), "none");
    EXPECT_EQ(state("one"), "outstanding");
}

TEST_P(StoreChallengesTest, A03_AClockThatIsAheadForgetsNoneThatIsOutstanding) {
    ASSERT_EQ(add(challenge("live")), "added");
    store_.reset();
    store_ = open_store(place_);  // another process, whose clock is wrong
    ASSERT_EQ(add(challenge("before any certificate", "bob", kNow + 2 * kDay)), "added");
    EXPECT_EQ(state("live"), "outstanding");
    ASSERT_EQ(describe(record(*store_, testing::make_record())), "recorded");
    ASSERT_EQ(add(challenge("ahead", "bob", kNow + 2 * kDay)), "added");
    EXPECT_EQ(state("live"), "outstanding");
}

TEST_P(StoreChallengesTest, WhoOnlyRecordsDoesNotLookForOldOnes) {
    ASSERT_EQ(add(challenge("old")), "added");
    IssuanceRecord much_later = testing::make_record();
    much_later.now = kNow + 10 * kDay;
    ASSERT_EQ(describe(record(*store_, much_later)), "recorded");
    EXPECT_EQ(state("old"), "outstanding");
}

TEST_P(StoreChallengesTest, AddsNothingToAStoreForReading) {
    auto reading = open_store(place_, StoreMode::kReadOnly);
    const auto added = wait_for(reading->add_challenge(challenge("one"), {}));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, Errc::kDenied);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
