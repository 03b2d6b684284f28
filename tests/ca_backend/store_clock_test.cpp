// A03: a clock that jumps forgets no used challenge, and one that is behind records nothing.
#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using testing::describe;
using testing::kDay;
using testing::kNow;
using testing::make_record;
using testing::make_redeeming_record;
using testing::open_store;
using testing::record;

class StoreClockTest : public testing::OnEachEngine {
protected:
    Result<RecordOutcome> record_at(std::int64_t now) {
        auto made = make_record();
        made.now = now;
        return record(*store_, made);
    }
    void reopen() {
        store_.reset();
        store_ = open_store(place_);
    }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
};

SCEPGATE_ON_EACH_ENGINE(StoreClockTest);

TEST_P(StoreClockTest, A03_RecordsNothingMoreThanADayBeforeTheLastCertificate) {
    EXPECT_EQ(describe(record_at(kNow)), "recorded");
    EXPECT_EQ(describe(record_at(kNow - kDay)), "recorded") << "nodes differ a little";
    EXPECT_EQ(describe(record_at(kNow + 40 * kDay)), "recorded");
    const auto refused = record_at(kNow);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    EXPECT_NE(refused.error().detail.find("40 days before the newest certificate"),
              std::string::npos)
        << refused.error().detail;
    auto waiting = testing::make_pending("waits");
    waiting.now = kNow;
    EXPECT_FALSE(testing::record_pending(*store_, waiting));
    EXPECT_FALSE(store_->judge_clock(kNow));
    reopen();
    EXPECT_FALSE(record_at(kNow)) << "a restart mends nothing";
    EXPECT_TRUE(store_->judge_clock(kNow + 39 * kDay));
    EXPECT_EQ(describe(record_at(kNow + 39 * kDay)), "recorded");
}

TEST_P(StoreClockTest, A03_GoesOnWhenAnOperatorSaysThatTheClockWasAhead) {
    ASSERT_EQ(describe(record_at(kNow + 40 * kDay)), "recorded");
    ASSERT_FALSE(record_at(kNow));
    ASSERT_TRUE(wait_for(store_->accept_clock()));
    EXPECT_TRUE(store_->judge_clock(kNow));
    EXPECT_EQ(describe(record_at(kNow)), "recorded");
    EXPECT_EQ(describe(record_at(kNow + 90 * kDay)), "recorded");
    EXPECT_FALSE(record_at(kNow)) << "what was accepted holds for what was there";
    ASSERT_TRUE(wait_for(store_->accept_clock()));
    EXPECT_EQ(describe(record_at(kNow)), "recorded") << "and can be said again";
}

TEST_P(StoreClockTest, A03_ForgetsNoRequestThatWaitedByAClockThatJumped) {
    ASSERT_EQ(describe(record_at(kNow)), "recorded");
    const auto waited = testing::make_pending("waits");
    ASSERT_TRUE(testing::record_pending(*store_, waited));
    for (const std::int64_t later : {40 * kDay, 80 * kDay})
        ASSERT_EQ(describe(record_at(kNow + later)), "recorded");
    EXPECT_TRUE(testing::stored(*store_, waited));
}

TEST_P(StoreClockTest, A03_ForgetsNoUsedChallengeByAClockThatJumped) {
    const auto used = make_redeeming_record("used");  // expires an hour after kNow
    ASSERT_EQ(describe(record(*store_, used)), "recorded");
    for (const std::int64_t later : {40 * kDay, 80 * kDay})
        ASSERT_EQ(describe(record_at(kNow + later)), "recorded");
    EXPECT_TRUE(store_->is_redeemed(*used.redemption).value());
    reopen();
    ASSERT_EQ(describe(record_at(kNow + 4000 * kDay)), "recorded");
    EXPECT_FALSE(store_->is_redeemed(*used.redemption).value())
        << "the store's own certificates say that it was long ago";
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
