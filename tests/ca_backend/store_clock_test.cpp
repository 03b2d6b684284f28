// A03: a clock that jumps forgets no used challenge.
#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend {
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
}  // namespace scepgate::ca_backend
