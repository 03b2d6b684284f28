// What others are to be told of: with the records, once at a time, in order, at least once.
#include <gtest/gtest.h>

#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::RevocationReason;
using testing::describe;
using testing::kNow;
using testing::make_record;
using testing::open_store;
using testing::record;

/// Tells "hook" of everything, by the serial number or the transactionID.
class FakeAnnouncer final : public Announcer {
public:
    mutable int woken = 0;

    std::vector<OutboxEvent> issued(const IssuanceRecord& record) const override {
        return {{"hook", "issued", "i", record.certificate.serial_hex()}};
    }
    std::vector<OutboxEvent> pending(const PendingRecord& record) const override {
        return {{"hook", "pending", "p", record.transaction_id}};
    }
    std::vector<OutboxEvent> revoked(const CertificateRow& row, std::int64_t) const override {
        return {{"hook", row.revocation ? "revoked" : "released", "r", row.serial}};
    }
    void added() const override { ++woken; }
};

class OutboxTest : public testing::OnEachEngine {
protected:
    Outbox& outbox() { return store_->outbox(); }
    /// Adds refusals "1", "2", … to the target.
    std::size_t add(const std::string& target, std::initializer_list<const char*> bodies,
                    std::size_t most = 100) {
        std::vector<OutboxEvent> events;
        for (const char* body : bodies)
            events.push_back({target, "refused", std::string("id-") + body, body});
        return wait_for(outbox().add_bounded(std::move(events), most, kNow)).value();
    }
    static std::string bodies(const std::vector<OutboxRow>& rows) {
        std::string all;
        for (const OutboxRow& row : rows)
            all += (all.empty() ? "" : " ") + row.event.body;
        return all;
    }
    std::vector<OutboxRow> claim(std::int64_t now = kNow, const std::string& target = "hook",
                                 std::size_t most = 16) {
        return claim_from(*store_, now, target, most);
    }
    static std::vector<OutboxRow> claim_from(SqlStore& store, std::int64_t now,
                                             const std::string& target = "hook",
                                             std::size_t most = 16) {
        return wait_for(store.outbox().claim({target, now, 60, most})).value();
    }
    void settle(OutboxResult result) { ASSERT_TRUE(wait_for(outbox().settle(std::move(result)))); }
    std::string waiting(const std::string& target = "") {
        return bodies(outbox().list(target, 100).value());
    }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
    std::shared_ptr<FakeAnnouncer> announcer_ = std::make_shared<FakeAnnouncer>();
};

SCEPGATE_ON_EACH_ENGINE(OutboxTest);

TEST_P(OutboxTest, WritesWhatIsIssuedRevokedAndReleasedWithIt) {
    outbox().announce_by(announcer_);
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    EXPECT_EQ(announcer_->woken, 1);
    const auto id = certificate_id(made.certificate);
    ASSERT_TRUE(wait_for(store_->revoke({id, RevocationReason::kCertificateHold, kNow})));
    ASSERT_TRUE(wait_for(store_->revoke({id, RevocationReason::kRemoveFromCrl, kNow})));
    ASSERT_TRUE(wait_for(store_->revoke({id, RevocationReason::kKeyCompromise, kNow})));
    std::string kinds;
    for (const auto& row : outbox().list("", 10).value()) {
        kinds += row.event.kind + ' ';
        EXPECT_EQ(row.event.body, made.certificate.serial_hex());
        EXPECT_EQ(row.created, kNow);
        EXPECT_EQ(row.attempts, 0);
    }
    EXPECT_EQ(kinds, "issued revoked released revoked ");
    EXPECT_EQ(announcer_->woken, 4);
}

TEST_P(OutboxTest, WritesWhatBeginsToWait) {
    outbox().announce_by(announcer_);
    const auto pending = testing::make_pending();
    ASSERT_EQ(testing::describe(testing::record_pending(*store_, pending)), "recorded");
    EXPECT_EQ(waiting(), pending.transaction_id);
}

TEST_P(OutboxTest, TellsNothingOfWhatWasNotRecorded) {
    outbox().announce_by(announcer_);
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    EXPECT_EQ(describe(record(*store_, made)), "recorded before");
    const auto id = certificate_id(made.certificate);
    EXPECT_FALSE(wait_for(store_->revoke({id, RevocationReason::kRemoveFromCrl, kNow})));
    auto same_serial = make_record(made.certificate);
    EXPECT_FALSE(record(*store_, same_serial)) << "the serial number exists";
    EXPECT_EQ(outbox().list("", 10).value().size(), 1U);
    EXPECT_EQ(announcer_->woken, 1);
}

TEST_P(OutboxTest, WritesNothingWhereNobodyAnnounces) {
    ASSERT_EQ(describe(record(*store_, make_record())), "recorded");
    outbox().announce_by(announcer_);
    outbox().announce_by(nullptr);
    ASSERT_EQ(describe(record(*store_, make_record())), "recorded");
    EXPECT_EQ(waiting(), "");
}

TEST_P(OutboxTest, GivesATargetsMessagesToOneSenderAtATimeOldestFirst) {
    add("hook", {"1", "2", "3"});
    add("other", {"x"});
    EXPECT_EQ(bodies(claim(kNow, "hook", 2)), "1 2");
    EXPECT_EQ(bodies(claim(kNow, "hook", 2)), "") << "the third must not overtake";
    EXPECT_EQ(bodies(claim(kNow, "other")), "x");
}

TEST_P(OutboxTest, TwoStoresOnOneFileClaimEachMessageOnce) {
    add("hook", {"1", "2"});
    const auto second = open_store(place_, StoreMode::kOpenExisting);
    EXPECT_EQ(bodies(claim_from(*second, kNow)), "1 2");
    EXPECT_EQ(bodies(claim()), "");
    add("hook", {"3"});
    EXPECT_EQ(bodies(claim_from(*second, kNow)), "") << "not even to the one who has the others";
}

TEST_P(OutboxTest, AfterACrashTheyAreSentAgainWhenTheLeaseHasEnded) {
    add("hook", {"1", "2"});
    ASSERT_EQ(bodies(claim()), "1 2");
    store_.reset();  // nothing was settled
    store_ = open_store(place_, StoreMode::kOpenExisting);
    EXPECT_EQ(bodies(claim(kNow + 59)), "");
    const auto again = claim(kNow + 60);
    EXPECT_EQ(bodies(again), "1 2");
    EXPECT_EQ(again.front().attempts, 2);
    EXPECT_EQ(again.front().event.id, "id-1") << "by which the listener knows it again";
}

TEST_P(OutboxTest, WhatWasHeardIsGone) {
    add("hook", {"1", "2"});
    settle({.gone = claim(), .failed = {}, .untried = {}});
    EXPECT_EQ(waiting(), "");
    EXPECT_EQ(outbox().next_due("hook", kNow).value(), std::nullopt);
}

TEST_P(OutboxTest, AFailureHoldsUpItsTargetAloneAndKeepsTheOrder) {
    add("hook", {"1", "2", "3"});
    add("other", {"x"});
    auto rows = claim();
    settle({.gone = {rows[0]},
            .failed = OutboxResult::Failure{rows[1], kNow + 500, "no answer"},
            .untried = {rows[2]}});
    EXPECT_EQ(waiting("hook"), "2 3");
    EXPECT_EQ(outbox().next_due("hook", kNow).value(), kNow + 500);
    EXPECT_EQ(bodies(claim(kNow + 499)), "");
    EXPECT_EQ(bodies(claim(kNow + 499, "other")), "x");
    rows = claim(kNow + 500);
    EXPECT_EQ(bodies(rows), "2 3");
    EXPECT_EQ(rows[0].attempts, 2);
    EXPECT_EQ(rows[0].error, "no answer");
    EXPECT_EQ(rows[1].attempts, 1) << "it was not tried yet";
}

TEST_P(OutboxTest, ASenderWhoseLeaseEndedChangesNothingOfTheNextOnes) {
    add("hook", {"1", "2"});
    const auto slow = claim();
    const auto next = claim(kNow + 60);
    ASSERT_EQ(bodies(next), "1 2");
    settle({.gone = {},
            .failed = OutboxResult::Failure{slow[0], kNow + 1, "too late"},
            .untried = {slow[1]}});
    EXPECT_EQ(bodies(claim(kNow + 61)), "") << "they are the second sender's";
}

TEST_P(OutboxTest, KeepsTheNewestRefusalsAndCountsWhatMadeRoom) {
    EXPECT_EQ(add("hook", {"1", "2", "3"}, 3), 0U);
    EXPECT_EQ(add("hook", {"4", "5"}, 3), 2U);
    EXPECT_EQ(waiting(), "3 4 5");
    add("other", {"x"}, 3);
    outbox().announce_by(announcer_);
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    EXPECT_EQ(add("hook", {"6", "7", "8"}, 3), 3U);
    EXPECT_EQ(waiting("hook"), made.certificate.serial_hex() + " 6 7 8")
        << "what was issued is never dropped";
    const auto counts = outbox().count().value();
    ASSERT_EQ(counts.size(), 2U);
    EXPECT_EQ(counts[0].target, "hook");
    EXPECT_EQ(counts[0].waiting, 4);
    EXPECT_EQ(counts[0].dropped, 5);
    EXPECT_EQ(counts[0].oldest, kNow);
    EXPECT_EQ(counts[1].dropped, 0);
}

TEST_P(OutboxTest, ARetryMakesWhatWaitsDue) {
    add("hook", {"1"});
    add("other", {"x"});
    auto rows = claim();
    settle(
        {.gone = {}, .failed = OutboxResult::Failure{rows[0], kNow + 3600, "down"}, .untried = {}});
    EXPECT_EQ(wait_for(outbox().retry("hook", kNow + 5)).value().due, 1U);
    EXPECT_EQ(outbox().next_due("hook", kNow).value(), kNow + 5);
    EXPECT_EQ(wait_for(outbox().retry("nobody", kNow)).value().due, 0U);
    EXPECT_EQ(wait_for(outbox().retry("", kNow + 6)).value().due, 2U);
}

TEST_P(OutboxTest, ARetryTakesNothingFromTheOneWhoHasIt) {
    add("hook", {"1", "2"});
    auto rows = claim();
    add("hook", {"3"});
    add("other", {"x"});
    const auto found = wait_for(outbox().retry("hook", kNow + 1)).value();
    EXPECT_EQ(found.being_sent, 2U);
    EXPECT_EQ(found.due, 1U);
    EXPECT_EQ(bodies(claim(kNow + 1)), "") << "they are being sent";
    EXPECT_EQ(outbox().next_due("hook", kNow).value(), kNow + 60);
    settle({.gone = {rows[0]}, .failed = {}, .untried = {rows[1]}});
    EXPECT_EQ(bodies(claim(kNow + 1)), "2 3") << "not before its lease was given back";
}

TEST_P(OutboxTest, ALeaseFromBeforeTheClockWasSetBackIsNone) {
    add("hook", {"1"});
    ASSERT_EQ(bodies(claim()), "1");
    const std::int64_t back = kNow + 60 - kLongestLease;
    EXPECT_EQ(outbox().next_due("hook", back).value(), kNow + 60);
    EXPECT_EQ(bodies(claim(back)), "") << "it may be somebody's";
    EXPECT_EQ(wait_for(outbox().retry("hook", back - 1)).value().due, 1U);
    EXPECT_LE(outbox().next_due("hook", back - 1).value(), back - 1);
    EXPECT_EQ(bodies(claim(back - 1)), "1");
}

TEST_P(OutboxTest, APauseFromBeforeTheClockWasSetBackIsNone) {
    add("hook", {"1"});
    EXPECT_EQ(bodies(claim(kNow - kLongestPause)), "") << "it may be meant";
    const std::int64_t back = kNow - kLongestPause - 1;
    EXPECT_LE(outbox().next_due("hook", back).value(), back);
    EXPECT_EQ(bodies(claim(back)), "1");
}

TEST_P(OutboxTest, NoLeaseIsLongerThanTheLongest) {
    add("hook", {"1"});
    const auto rows = wait_for(outbox().claim({"hook", kNow, 1'000'000, 16})).value();
    EXPECT_EQ(rows.front().leased_until, kNow + kLongestLease);
}

TEST_P(OutboxTest, WhatIsDroppedIsForgottenWithItsCount) {
    add("hook", {"1", "2", "3"}, 2);
    add("other", {"x"});
    EXPECT_EQ(wait_for(outbox().drop("hook")).value(), 2U);
    EXPECT_EQ(wait_for(outbox().drop("hook")).value(), 0U);
    EXPECT_EQ(waiting(), "x");
    const auto counts = outbox().count().value();
    ASSERT_EQ(counts.size(), 1U);
    EXPECT_EQ(counts[0].target, "other");
}

TEST_P(OutboxTest, ANumberIsNeverGivenTwice) {
    add("hook", {"1"});
    const auto first = claim();
    settle({.gone = first, .failed = {}, .untried = {}});
    add("hook", {"2"});
    settle({.gone = first, .failed = {}, .untried = {}});  // as a slow sender would, once more
    EXPECT_EQ(waiting(), "2");
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
