// Requests that wait: from the first PENDING to the certificate, or not.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using testing::decide;
using testing::describe;
using testing::issuance_of;
using testing::kDay;
using testing::kNow;
using testing::make_pending;
using testing::make_record;
using testing::make_redeeming_record;
using testing::open_store;
using testing::poll;
using testing::record;
using testing::record_pending;
using testing::record_together;
using testing::stored;
using enum Decision::Verdict;
using State = TransactionState;

class StorePendingTest : public testing::OnEachEngine {
protected:
    std::unique_ptr<SqlStore> store_ = open_store(place_);
};

SCEPGATE_ON_EACH_ENGINE(StorePendingTest);

TEST_P(StorePendingTest, IssuesARenewalThatUsedItsCertificateUpWhenItBeganToWait) {
    const auto old = make_record();
    ASSERT_EQ(describe(record(*store_, old)), "recorded");
    const auto made = make_pending("fingerprint");  // as schema 2 did
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    auto issuance = issuance_of(made);
    issuance.renewal = Renewal{certificate_id(old.certificate), made.redemption};
    EXPECT_EQ(describe(record(*store_, issuance)), "recorded");
}

TEST_P(StorePendingTest, T04_KeepsAllThatTheLaterAnswerNeedsAlsoAfterReopening) {
    const auto made = make_pending("token");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    store_.reset();
    store_ = open_store(place_, StoreMode::kOpenExisting);
    for (const auto& found : {poll(*store_, made), stored(*store_, made)}) {
        ASSERT_TRUE(found);
        EXPECT_EQ(found->key, made.transaction);
        EXPECT_EQ(found->state, State::kPending);
        EXPECT_EQ(found->endpoint, made.endpoint);
        EXPECT_EQ(found->transaction_id, made.transaction_id);
        EXPECT_EQ(found->message_type, 19);
        EXPECT_EQ(found->ca, "lab");
        EXPECT_EQ(found->template_name, "device");
        EXPECT_EQ(found->policy, "mdm");
        EXPECT_EQ(found->device_id, "device-id");
        EXPECT_EQ(found->user_id, "user-id");
        EXPECT_EQ(found->subject, made.subject);
        EXPECT_EQ(found->subject_alt_name, made.subject_alt_name);
        EXPECT_EQ(found->challenge, made.redemption->token);
        EXPECT_EQ(found->recorded_at, kNow);
        EXPECT_FALSE(found->certificate);
        ASSERT_TRUE(found->pending);
        EXPECT_EQ(found->pending->signer, made.details.signer);
        EXPECT_EQ(found->pending->csr, made.details.csr);
        EXPECT_EQ(found->pending->grant, made.details.grant);
        EXPECT_EQ(found->pending->expires, made.details.expires);
        EXPECT_EQ(found->pending->decided_at, 0);
    }
}

TEST_P(StorePendingTest, UsesTheChallengeUpWhenItBeginsToWait) {
    const auto made = make_pending("token");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    EXPECT_TRUE(store_->is_redeemed(*made.redemption).value());
    EXPECT_EQ(describe(record(*store_, make_redeeming_record("token"))), "already redeemed");
    const auto other = make_pending("token");
    EXPECT_EQ(describe(record_pending(*store_, other)), "already redeemed");
    EXPECT_FALSE(poll(*store_, other));
    EXPECT_EQ(describe(record_pending(*store_, made)), "recorded before") << "its own retry";
}

TEST_P(StorePendingTest, BecomesIssuedWithTheChallengeItRedeemedItself) {
    const auto made = make_pending("token");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    ASSERT_TRUE(decide(*store_, made, kApprove));
    EXPECT_EQ(poll(*store_, made)->state, State::kApproved);
    const auto issued = issuance_of(made);
    ASSERT_EQ(describe(record(*store_, issued)), "recorded");
    const auto found = poll(*store_, made);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->state, State::kIssued);
    EXPECT_EQ(found->certificate, issued.certificate);
    EXPECT_EQ(found->challenge, made.redemption->token);
    EXPECT_EQ(describe(record_pending(*store_, made)), "recorded before");
}

TEST_P(StorePendingTest, T06_GivesParallelPollsOneCertificate) {
    const auto other = open_store(place_);
    const auto made = make_pending("token");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    std::vector<std::pair<SqlStore*, IssuanceRecord>> polls;
    for (int i = 0; i < 16; ++i)
        polls.emplace_back(i % 2 == 0 ? store_.get() : other.get(), issuance_of(made));
    const auto outcomes = record_together(polls);
    const auto kept = poll(*store_, made)->certificate;
    std::size_t recorded = 0;
    for (const auto& outcome : outcomes) {
        ASSERT_TRUE(outcome) << describe(outcome);
        if (const auto* before = std::get_if<RecordedBefore>(&*outcome)) {
            EXPECT_EQ(before->transaction.certificate, kept);
        } else {
            ++recorded;
        }
    }
    EXPECT_EQ(recorded, 1U);
    EXPECT_EQ(store_->list({})->rows.size(), 1U);
}

TEST_P(StorePendingTest, T02_AnswersOnlyTheSignersOwnKey) {
    const auto first = make_pending();
    auto second = make_pending();  // the same transactionID by another device
    ASSERT_EQ(describe(record_pending(*store_, first)), "recorded");
    EXPECT_FALSE(poll(*store_, second));
    ASSERT_EQ(describe(record_pending(*store_, second)), "recorded");
    EXPECT_EQ(poll(*store_, first)->key, first.transaction);
    EXPECT_EQ(poll(*store_, second)->key, second.transaction);
    second.endpoint = "/other";
    EXPECT_FALSE(poll(*store_, second));
}

TEST_P(StorePendingTest, T01_RefusesAnotherRequestOfTheSameKeyWithAnIdThatWaits) {
    const auto first = make_pending();
    ASSERT_EQ(describe(record_pending(*store_, first)), "recorded");
    auto second = make_pending("token");
    second.signer_key = first.signer_key;
    EXPECT_EQ(describe(record_pending(*store_, second)), "id taken");
    EXPECT_FALSE(store_->is_redeemed(*second.redemption).value());
    EXPECT_EQ(poll(*store_, first)->key, first.transaction);
    ASSERT_TRUE(decide(*store_, first, kReject));
    EXPECT_EQ(describe(record_pending(*store_, second)), "recorded") << "the first does not wait";
    EXPECT_EQ(poll(*store_, second)->key, second.transaction) << "the newest";
}

TEST_P(StorePendingTest, FindsADirectlyIssuedTransactionByPollToo) {
    const auto issued = make_record();
    ASSERT_EQ(describe(record(*store_, issued)), "recorded");
    const PollKey key{issued.endpoint, issued.transaction_id, issued.signer_key};
    EXPECT_EQ(store_->find_pending(key, kNow).value()->certificate, issued.certificate);
}

TEST_P(StorePendingTest, FindsTheRequestItselfElseTheNewestOfItsSender) {
    const auto older = make_record();
    auto newer = make_record();
    newer.signer_key = older.signer_key;
    for (const auto& each : {older, newer})
        ASSERT_EQ(describe(record(*store_, each)), "recorded");
    const PollKey sender{older.endpoint, older.transaction_id, older.signer_key};
    const auto key_of = [this](const PollKey& from, const TransactionKey& key) {
        const auto found = store_->find_request(from, key, kNow).value();
        return found ? found->key : TransactionKey{};
    };
    EXPECT_EQ(key_of(sender, older.transaction), older.transaction);
    EXPECT_EQ(key_of(sender, newer.transaction), newer.transaction);
    EXPECT_EQ(key_of(sender, make_record().transaction), newer.transaction);
    for (const PollKey& other : {PollKey{"/other", older.transaction_id, older.signer_key},
                                 PollKey{older.endpoint, "other", older.signer_key},
                                 PollKey{older.endpoint, older.transaction_id, Sha256{}}}) {
        EXPECT_EQ(key_of(other, older.transaction), TransactionKey{});
    }
}

TEST_P(StorePendingTest, KeepsARejectionForGood) {
    const auto made = make_pending();
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    const auto rejected = decide(*store_, made, kReject);
    ASSERT_TRUE(rejected);
    EXPECT_EQ(rejected->state, State::kRejected);
    EXPECT_EQ(rejected->pending->decided_by, "operator");
    EXPECT_EQ(rejected->pending->reason, "because");
    EXPECT_EQ(rejected->pending->decided_at, kNow);
    for (const auto verdict : {kApprove, kReject}) {
        const auto again = decide(*store_, made, verdict);
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().code, Errc::kConflict);
        EXPECT_NE(again.error().detail.find("rejected already (operator"), std::string::npos);
    }
    const auto outcome = record(*store_, issuance_of(made));
    ASSERT_EQ(describe(outcome), "recorded before");
    const auto& before = std::get<RecordedBefore>(*outcome).transaction;
    EXPECT_EQ(before.state, State::kRejected);
    EXPECT_FALSE(before.certificate);
    EXPECT_TRUE(store_->list({})->rows.empty());
}

TEST_P(StorePendingTest, MayStillBeRejectedBetweenApprovalAndIssue) {
    const auto made = make_pending();
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    ASSERT_TRUE(decide(*store_, made, kApprove));
    EXPECT_EQ(decide(*store_, made, kApprove).error().code, Errc::kConflict);
    EXPECT_TRUE(decide(*store_, made, kReject));
    EXPECT_EQ(poll(*store_, made)->state, State::kRejected);
}

TEST_P(StorePendingTest, ExpiresUndecidedAndApprovedOnes) {
    const auto made = make_pending();
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    EXPECT_EQ(poll(*store_, made, kNow + kDay - 1)->state, State::kPending);
    EXPECT_EQ(poll(*store_, made, kNow + kDay)->state, State::kExpired);
    EXPECT_EQ(decide(*store_, made, kApprove, kNow + kDay).error().code, Errc::kConflict);
    ASSERT_TRUE(decide(*store_, made, kApprove));
    EXPECT_EQ(poll(*store_, made, kNow + kDay)->state, State::kExpired);
    auto issuance = issuance_of(made);
    issuance.now = kNow + kDay;
    ASSERT_EQ(describe(record(*store_, issuance)), "recorded") << "it was good when that began";
    EXPECT_EQ(poll(*store_, made, kNow + 100 * kDay)->state, State::kIssued);
}

TEST_P(StorePendingTest, LetsAnExpiredRequestWaitAnewWithTheChallengeItUsedInVain) {
    auto made = make_pending("token");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    ASSERT_TRUE(decide(*store_, made, kApprove));
    made.now = kNow + 2 * kDay;
    made.details.expires = made.now + kDay;
    auto other = make_pending("token");
    other.now = made.now;
    EXPECT_EQ(describe(record_pending(*store_, other)), "already redeemed");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    const auto found = poll(*store_, made, made.now);
    EXPECT_EQ(found->state, State::kPending) << "the old approval does not count";
    EXPECT_EQ(found->pending->decided_at, 0);
    EXPECT_EQ(store_->list_pending({.open_only = false, .now = made.now})->size(), 1U);
    EXPECT_EQ(describe(record_pending(*store_, other)), "already redeemed");
    EXPECT_EQ(describe(record_pending(*store_, made)), "recorded before");
}

TEST_P(StorePendingTest, C01_AnExpiredRequestComesBackWithNoChallengeOfAnother) {
    auto made = make_pending("token");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("another"))), "recorded");
    made.redemption = make_redeeming_record("another").redemption;
    made.now = kNow + 2 * kDay;
    made.details.expires = made.now + kDay;
    EXPECT_EQ(describe(record_pending(*store_, made)), "already redeemed");
}

// The service that was asked once more gave it another ticket, and asked for no approval.
TEST_P(StorePendingTest, C01_AnExpiredRequestThatIsIssuedUsesUpTheChallengeItHasNow) {
    const auto made = make_pending("first");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    auto issuance = issuance_of(made);
    issuance.now = kNow + 2 * kDay;
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("another's"))), "recorded");
    issuance.redemption = make_redeeming_record("another's").redemption;
    EXPECT_EQ(describe(record(*store_, issuance)), "already redeemed");
    issuance.redemption = make_redeeming_record("second").redemption;
    ASSERT_EQ(describe(record(*store_, issuance)), "recorded");
    auto others = make_redeeming_record("second");
    others.now = issuance.now;
    EXPECT_EQ(describe(record(*store_, others)), "already redeemed");
    EXPECT_EQ(poll(*store_, made)->challenge, issuance.redemption->token);
    for (const char* token : {"first", "second"})
        EXPECT_TRUE(store_->is_redeemed(*make_redeeming_record(token).redemption).value()) << token;
}

TEST_P(StorePendingTest, C01_AnExpiredRequestHasUsedUpNothingInAnotherPolicy) {
    auto made = make_pending("token");
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    auto issuance = issuance_of(made);
    made.now = issuance.now = kNow + 2 * kDay;
    made.details.expires = made.now + kDay;
    made.redemption->policy = "another";
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    EXPECT_TRUE(store_->is_redeemed(*made.redemption).value());
    issuance.redemption->policy = "a third";
    issuance.now = kNow + 4 * kDay;
    ASSERT_EQ(describe(record(*store_, issuance)), "recorded");
    EXPECT_TRUE(store_->is_redeemed(*issuance.redemption).value());
}

TEST_P(StorePendingTest, GivesNobodyMoreTimeByARejectionOrAClockThatWasSetBack) {
    const auto rejected = make_pending();
    ASSERT_EQ(describe(record_pending(*store_, rejected)), "recorded");
    const auto left = decide(*store_, rejected, kReject, kNow + kDay / 2);
    ASSERT_TRUE(left);
    EXPECT_EQ(left->pending->expires, kNow + kDay);
    const auto approved = make_pending();
    ASSERT_EQ(describe(record_pending(*store_, approved)), "recorded");
    ASSERT_TRUE(decide(*store_, approved, kApprove, kNow - kDay / 2));
    EXPECT_EQ(poll(*store_, approved, kNow + kDay - 1)->state, State::kApproved)
        << "nor less than was promised";
}

TEST_P(StorePendingTest, C01_OneThatWasRemovedLongAfterItsEndHasItsChallengeUsedUp) {
    auto made = make_pending("token");
    made.redemption->expires = kNow + 400 * kDay;
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    auto later = make_record();
    later.now = kNow + 32 * kDay;
    ASSERT_EQ(describe(record(*store_, later)), "recorded");
    auto next = make_record();
    next.now = later.now;
    ASSERT_EQ(describe(record(*store_, next)), "recorded");
    ASSERT_FALSE(poll(*store_, made, later.now)) << "a day's wait, and a month";

    made.now = later.now;
    made.details.expires = made.now + kDay;
    EXPECT_EQ(describe(record_pending(*store_, made)), "already redeemed");
    auto issuance = make_redeeming_record("token");
    issuance.transaction = made.transaction;
    issuance.now = made.now;
    EXPECT_EQ(describe(record(*store_, issuance)), "already redeemed");
    EXPECT_FALSE(poll(*store_, made, made.now));
}

TEST_P(StorePendingTest, GivesTheDeviceAsLongToFetchItAsTheOperatorHadToApproveIt) {
    const auto made = make_pending();
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    ASSERT_TRUE(decide(*store_, made, kApprove, kNow + kDay - 1));
    EXPECT_EQ(poll(*store_, made, kNow + 2 * kDay - 2)->state, State::kApproved);
    EXPECT_EQ(poll(*store_, made, kNow + 2 * kDay - 1)->state, State::kExpired);
}

TEST_P(StorePendingTest, LeavesTheDecisionToTheCaAboveWhereThatHasIt) {
    auto made = make_pending();
    made.details.upstream_id = "request 17";
    ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    EXPECT_EQ(poll(*store_, made)->pending->upstream_id, "request 17");
    EXPECT_EQ(decide(*store_, made, kApprove).error().code, Errc::kConflict);
    EXPECT_TRUE(decide(*store_, made, kReject));
}

TEST_P(StorePendingTest, T05_LimitsHowManyWaitAtAnEndpoint) {
    const auto limited = [] {
        auto made = make_pending();
        made.maximum_open = 2;
        return made;
    };
    const auto first = limited();
    ASSERT_EQ(describe(record_pending(*store_, first)), "recorded");
    ASSERT_EQ(describe(record_pending(*store_, limited())), "recorded");
    EXPECT_EQ(describe(record_pending(*store_, limited())), "too many");
    auto elsewhere = limited();
    elsewhere.endpoint = "/other";
    EXPECT_EQ(describe(record_pending(*store_, elsewhere)), "recorded");
    auto later = limited();
    later.now = kNow + kDay;
    EXPECT_EQ(describe(record_pending(*store_, later)), "recorded") << "the others have expired";
    ASSERT_TRUE(decide(*store_, first, kReject));
    EXPECT_EQ(describe(record_pending(*store_, limited())), "too many") << "later waits now";
}

class StoreRenewalsTest : public StorePendingTest {
protected:
    StoreRenewalsTest() { EXPECT_EQ(describe(record(*store_, old_)), "recorded"); }

    /// A renewal of the certificate.
    [[nodiscard]] PendingRecord renewal(const std::string& transaction_id = "renewal") const {
        auto made = make_pending();
        made.transaction_id = transaction_id;
        made.endpoint = old_.endpoint;
        made.signer_key = signer_key_hash(old_.certificate);
        made.details.signer = to_bytes(old_.certificate.der());
        made.renews = certificate_id(old_.certificate);
        return made;
    }
    Result<Revoked> revoke(certs::RevocationReason reason, std::int64_t at = kNow) {
        RevocationOrder order{certificate_id(old_.certificate), reason, at};
        order.by = "olga";
        return wait_for(store_->revoke(order));
    }

    IssuanceRecord old_ = make_record();
};

SCEPGATE_ON_EACH_ENGINE(StoreRenewalsTest);

TEST_P(StoreRenewalsTest, T05_OneOfAKeyWaitsAtATime) {
    const auto first = renewal();
    ASSERT_EQ(describe(record_pending(*store_, first)), "recorded");
    EXPECT_EQ(describe(record_pending(*store_, first)), "recorded before");
    EXPECT_EQ(describe(record_pending(*store_, renewal("other"))), "signer waits");
    auto elsewhere = renewal("elsewhere");
    elsewhere.endpoint = "/other";
    EXPECT_EQ(describe(record_pending(*store_, elsewhere)), "recorded");
    auto initial = renewal("initial");
    initial.renews.reset();
    EXPECT_EQ(describe(record_pending(*store_, initial)), "recorded") << "it has a challenge";
    ASSERT_TRUE(decide(*store_, initial, kReject));
    ASSERT_TRUE(decide(*store_, first, kReject));
    EXPECT_EQ(describe(record_pending(*store_, renewal("other"))), "recorded");
}

TEST_P(StoreRenewalsTest, G02_NoneBeginsToWaitForACertificateThatIsRevokedOrOnHold) {
    ASSERT_TRUE(revoke(certs::RevocationReason::kCertificateHold));
    EXPECT_EQ(describe(record_pending(*store_, renewal())), "signer revoked");
    ASSERT_TRUE(revoke(certs::RevocationReason::kSuperseded));
    EXPECT_EQ(describe(record_pending(*store_, renewal())), "signer revoked");
}

TEST_P(StoreRenewalsTest, T05_EndWithTheCertificateThatAskedForThem) {
    const auto waiting = renewal();
    auto elsewhere = renewal("elsewhere");
    elsewhere.endpoint = "/other";
    auto initial = renewal("initial");
    initial.renews.reset();
    initial.details.signer = {1, 2, 3};  // a transient certificate of the same key
    auto ended = renewal("expired");
    ended.renews.reset();
    ended.details.expires = kNow + 1;
    for (const auto& each : {waiting, elsewhere, initial, ended})
        ASSERT_EQ(describe(record_pending(*store_, each)), "recorded");
    ASSERT_TRUE(decide(*store_, waiting, kApprove));
    const auto held = revoke(certs::RevocationReason::kCertificateHold, kNow + 2);
    ASSERT_TRUE(held) << held.error().detail;
    EXPECT_TRUE(held->renewals.empty()) << "it may be good again";
    const auto done = revoke(certs::RevocationReason::kSuperseded, kNow + 3);
    ASSERT_TRUE(done) << done.error().detail;
    ASSERT_EQ(done->renewals.size(), 1U);
    EXPECT_EQ(done->renewals[0].key, waiting.transaction);
    EXPECT_EQ(done->renewals[0].state, State::kRejected);
    const auto found = poll(*store_, waiting, kNow + 4);
    EXPECT_EQ(found->state, State::kRejected);
    EXPECT_EQ(found->pending->decided_by, "olga");
    EXPECT_EQ(found->pending->decided_at, kNow + 3);
    EXPECT_NE(found->pending->reason.find("revoked"), std::string::npos);
    EXPECT_EQ(poll(*store_, elsewhere, kNow + 4)->state, State::kPending);
    EXPECT_EQ(poll(*store_, initial, kNow + 4)->state, State::kPending);
    EXPECT_EQ(poll(*store_, ended, kNow + 4)->state, State::kExpired);
}

TEST_P(StorePendingTest, DecidesOnNothingThatDidNotWait) {
    const auto issued = make_record();
    ASSERT_EQ(describe(record(*store_, issued)), "recorded");
    Decision decision;
    for (const std::int64_t id : {stored(*store_, issued)->id, std::int64_t{99}}) {
        decision.id = id;
        EXPECT_EQ(wait_for(store_->decide(decision)).error().code, Errc::kNotFound);
    }
}

TEST_P(StorePendingTest, RemembersWhetherPolicyWasTold) {
    const auto issued = make_record();
    ASSERT_EQ(describe(record(*store_, issued)), "recorded");
    EXPECT_FALSE(stored(*store_, issued)->notified);
    ASSERT_TRUE(wait_for(store_->mark_notified(stored(*store_, issued)->id)));
    EXPECT_TRUE(stored(*store_, issued)->notified);
    EXPECT_EQ(wait_for(store_->mark_notified(99)).error().code, Errc::kNotFound);
    auto nobody_to_tell = make_record();
    nobody_to_tell.notified = true;
    ASSERT_EQ(describe(record(*store_, nobody_to_tell)), "recorded");
    EXPECT_TRUE(stored(*store_, nobody_to_tell)->notified);
}

TEST_P(StorePendingTest, ListsWhatIsOpenOrAllThatEverWaited) {
    const auto first = make_pending();
    auto second = make_pending();
    second.transaction_id = "transaction-2";
    const auto third = make_pending();
    for (const auto& made : {first, second, third})
        ASSERT_EQ(describe(record_pending(*store_, made)), "recorded");
    ASSERT_EQ(describe(record(*store_, make_record())), "recorded");
    ASSERT_TRUE(decide(*store_, first, kReject));
    const auto keys = [this](const PendingFilter& filter) {
        std::vector<TransactionKey> found;
        const auto all = store_->list_pending(filter).value();
        std::transform(all.begin(), all.end(), std::back_inserter(found),
                       [](const StoredTransaction& one) { return one.key; });
        return found;
    };
    using Keys = std::vector<TransactionKey>;
    EXPECT_EQ(keys({.now = kNow}), (Keys{third.transaction, second.transaction}));
    EXPECT_EQ(keys({.now = kNow + kDay}), Keys{});
    EXPECT_EQ(keys({.open_only = false, .now = kNow}),
              (Keys{third.transaction, second.transaction, first.transaction}));
    EXPECT_EQ(keys({.transaction_id = "transaction-2", .now = kNow}), Keys{second.transaction});
    EXPECT_EQ(keys({.now = kNow, .limit = 1}), Keys{third.transaction});
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
