
#include <algorithm>
#include <cctype>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "ca_backend/wait_for.hpp"
#include "tests/ca_backend/support/grants.hpp"
#include "tests/ca_backend/support/place.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using testing::describe;
using testing::found;
using testing::kNow;
using testing::make_certificate;
using testing::make_record;
using testing::make_redeeming_record;
using testing::open_store;
using testing::record;
using testing::record_together;
using Mode = StoreMode;

class StoreTest : public testing::OnEachEngine {
protected:
    std::unique_ptr<SqlStore> store_ = open_store(place_);
};

SCEPGATE_ON_EACH_ENGINE(StoreTest);

std::size_t count(const std::vector<Result<RecordOutcome>>& outcomes, std::string_view what) {
    return static_cast<std::size_t>(
        std::count_if(outcomes.begin(), outcomes.end(),
                      [what](const auto& outcome) { return describe(outcome) == what; }));
}

TEST_P(StoreTest, FindsWhatItRecordedAlsoAfterReopening) {
    const auto made = make_redeeming_record("token");
    EXPECT_FALSE(found(*store_, made.transaction));
    EXPECT_FALSE(store_->is_redeemed(*made.redemption).value());
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(found(*store_, made.transaction), made.certificate);
        EXPECT_TRUE(store_->is_redeemed(*made.redemption).value());
        store_.reset();
        store_ = open_store(place_, Mode::kOpenExisting);
    }
}

TEST_P(StoreTest, AnswersARepeatedTransactionWithItsFirstCertificate) {
    const auto first = make_redeeming_record("token");
    ASSERT_EQ(describe(record(*store_, first)), "recorded");
    // A parallel attempt of the same request: signed anew, and with the same token.
    auto again = first;
    again.certificate = make_certificate();
    const auto outcome = record(*store_, again);
    ASSERT_EQ(describe(outcome), "recorded before");
    EXPECT_EQ(std::get<RecordedBefore>(*outcome).transaction.certificate, first.certificate);
    EXPECT_FALSE(store_->find_certificate(certificate_id(again.certificate)).value());
}

TEST_P(StoreTest, RedeemsATokenOnceAndRecordsNothingTheSecondTime) {
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("token"))), "recorded");
    const auto second = make_redeeming_record("token");
    EXPECT_EQ(describe(record(*store_, second)), "already redeemed");
    EXPECT_FALSE(found(*store_, second.transaction));
    EXPECT_FALSE(store_->find_certificate(certificate_id(second.certificate)).value());
}

// Rows get lost in a repair, or by hand: the token still says that the request was answered.
TEST_P(StoreTest, A04_ARequestWhoseTransactionIsGoneIsNotRecordedASecondTime) {
    const auto first = make_redeeming_record("token");
    ASSERT_EQ(describe(record(*store_, first)), "recorded");
    const auto other = place_.connect();
    ASSERT_TRUE(other->execute("DELETE FROM transactions"));
    ASSERT_EQ(other->total_changes(), 1);
    ASSERT_FALSE(found(*store_, first.transaction));

    auto again = first;
    again.certificate = make_certificate();
    EXPECT_EQ(describe(record(*store_, again)), "already redeemed");
    EXPECT_FALSE(found(*store_, first.transaction));
    EXPECT_FALSE(store_->find_certificate(certificate_id(again.certificate)).value());
    EXPECT_TRUE(store_->is_redeemed(*first.redemption).value());
}

TEST_P(StoreTest, ScopesTokensByPolicy) {
    ASSERT_EQ(describe(record(*store_, make_redeeming_record("token"))), "recorded");
    auto other = make_redeeming_record("token");
    other.redemption->policy = "other";
    EXPECT_FALSE(store_->is_redeemed(*other.redemption).value());
    EXPECT_EQ(describe(record(*store_, other)), "recorded");
}

TEST_P(StoreTest, A01_RefusesASerialNumberThatExistsAndLeavesNothing) {
    const auto first = make_record();
    ASSERT_EQ(describe(record(*store_, first)), "recorded");
    auto second = make_redeeming_record("token");
    second.certificate = first.certificate;
    const auto outcome = record(*store_, second);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::kConflict);
    EXPECT_FALSE(found(*store_, second.transaction));
    EXPECT_FALSE(store_->is_redeemed(*second.redemption).value());
}

TEST_P(StoreTest, AConflictSpoilsNobodyElseInItsGroup) {
    const auto existing = make_record();
    ASSERT_EQ(describe(record(*store_, existing)), "recorded");
    std::vector<std::pair<SqlStore*, IssuanceRecord>> records;
    for (int i = 0; i < 21; ++i)
        records.emplace_back(store_.get(),
                             i % 3 == 1 ? make_record(existing.certificate) : make_record());
    const auto outcomes = record_together(records);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        EXPECT_EQ(bool(outcomes[i]), i % 3 != 1) << describe(outcomes[i]);
        EXPECT_EQ(found(*store_, records[i].second.transaction).has_value(), i % 3 != 1);
    }
}

TEST_P(StoreTest, A04_RedeemsATokenOnceUnder64ParallelUsesOnTwoNodes) {
    const auto other = open_store(place_);
    std::vector<std::pair<SqlStore*, IssuanceRecord>> records;
    for (int i = 0; i < 64; ++i)
        records.emplace_back(i % 2 == 0 ? store_.get() : other.get(),
                             make_redeeming_record("token"));
    const auto outcomes = record_together(records);
    EXPECT_EQ(count(outcomes, "recorded"), 1U);
    EXPECT_EQ(count(outcomes, "already redeemed"), 63U);
    EXPECT_EQ(store_->list({})->rows.size(), 1U);
}

TEST_P(StoreTest, RecordsATransactionOnceUnder64ParallelAttemptsOnTwoNodes) {
    const auto other = open_store(place_);
    auto made = make_redeeming_record("token");
    std::vector<std::pair<SqlStore*, IssuanceRecord>> records;
    for (int i = 0; i < 64; ++i) {
        made.certificate = make_certificate();
        records.emplace_back(i % 2 == 0 ? store_.get() : other.get(), made);
    }
    const auto outcomes = record_together(records);
    EXPECT_EQ(count(outcomes, "recorded"), 1U);
    const auto kept = found(*store_, made.transaction);
    for (const auto& outcome : outcomes) {
        ASSERT_TRUE(outcome) << describe(outcome);
        if (const auto* before = std::get_if<RecordedBefore>(&*outcome)) {
            EXPECT_EQ(before->transaction.certificate, kept);
        }
    }
}

TEST_P(StoreTest, G02_RecordsNoRenewalOfACertificateThatWasRevokedMeanwhile) {
    const auto old = make_record();
    ASSERT_EQ(describe(record(*store_, old)), "recorded");
    auto renewal = make_record();
    renewal.renewal.emplace().certificate = certificate_id(old.certificate);
    ASSERT_TRUE(wait_for(store_->revoke(
        {certificate_id(old.certificate), certs::RevocationReason::kCertificateHold, kNow})));
    EXPECT_EQ(describe(record(*store_, renewal)), "signer revoked");
    EXPECT_FALSE(found(*store_, renewal.transaction));
    ASSERT_TRUE(wait_for(store_->revoke(
        {certificate_id(old.certificate), certs::RevocationReason::kRemoveFromCrl, kNow})));
    EXPECT_EQ(describe(record(*store_, renewal)), "recorded");
}

TEST_P(StoreTest, G05_RenewsOnceUnderParallelRenewalsOnTwoNodesWithAChallengeEach) {
    const auto old = make_record();
    ASSERT_EQ(describe(record(*store_, old)), "recorded");
    const auto other = open_store(place_);
    std::vector<std::pair<SqlStore*, IssuanceRecord>> records;
    for (int i = 0; i < 16; ++i) {
        auto made = make_redeeming_record("challenge " + std::to_string(i));
        made.renewal = Renewal{certificate_id(old.certificate),
                               Redemption{"renewal", Bytes{1, 2, 3}, kNow + 3600}};
        records.emplace_back(i % 2 == 0 ? store_.get() : other.get(), made);
    }
    const auto outcomes = record_together(records);
    EXPECT_EQ(count(outcomes, "recorded"), 1U);
    EXPECT_EQ(count(outcomes, "already renewed"), 15U);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const bool recorded = describe(outcomes[i]) == "recorded";
        EXPECT_EQ(store_->is_redeemed(*records[i].second.redemption).value(), recorded)
            << "what was refused used nothing up";
    }
}

// Whatever was the newest when the renewal was judged.
TEST_P(StoreTest, G05_RenewsNothingThatIsNotTheNewestWhenItIsRecorded) {
    const auto old = make_record();
    ASSERT_EQ(describe(record(*store_, old)), "recorded");
    const auto renewal_of = [](const IssuanceRecord& renewed) {
        auto made = make_record();
        const auto& certificate = renewed.certificate;
        made.renewal.emplace().certificate = certificate_id(certificate);
        made.renewal->newest_of = {identity_of(certificate, "other template"),
                                   identity_of(certificate, renewed.template_name)};
        return made;
    };
    const auto renewal = renewal_of(old);
    EXPECT_EQ(describe(record(*store_, renewal)), "recorded");
    EXPECT_EQ(describe(record(*store_, renewal)), "recorded before") << "its own is the newest";
    auto late = renewal_of(old);
    late.redemption = Redemption{"mdm", Bytes{7}, kNow + 3600};
    EXPECT_EQ(describe(record(*store_, late)), "already renewed");
    EXPECT_FALSE(store_->is_redeemed(*late.redemption).value()) << "it used nothing up";
    auto next = renewal_of(renewal);
    EXPECT_EQ(describe(record(*store_, next)), "recorded");
    auto unknown = renewal_of(make_record());
    EXPECT_EQ(describe(record(*store_, unknown)), "already renewed") << "nobody knows of what";
}

TEST_P(StoreTest, G05_RenewsTheNewestOnceUnderParallelRenewalsOnTwoNodes) {
    const auto old = make_record();
    ASSERT_EQ(describe(record(*store_, old)), "recorded");
    const auto other = open_store(place_);
    std::vector<std::pair<SqlStore*, IssuanceRecord>> records;
    for (int i = 0; i < 16; ++i) {
        auto made = make_record();
        made.renewal.emplace().certificate = certificate_id(old.certificate);
        made.renewal->newest_of = {identity_of(old.certificate, old.template_name)};
        records.emplace_back(i % 2 == 0 ? store_.get() : other.get(), made);
    }
    const auto outcomes = record_together(records);
    EXPECT_EQ(count(outcomes, "recorded"), 1U);
    EXPECT_EQ(count(outcomes, "already renewed"), 15U);
}

TEST_P(StoreTest, SeesWhatAnotherProcessRecorded) {
    const auto other = open_store(place_);
    const auto made = make_record();
    EXPECT_FALSE(found(*other, made.transaction));
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    EXPECT_EQ(found(*other, made.transaction), made.certificate);
}

TEST_P(StoreTest, WaitsForAnotherProcessThatWrites) {
    const auto other = place_.connect();
    ASSERT_TRUE(other->begin_writing());
    boost::asio::io_context context;
    Result<RecordOutcome> outcome;
    boost::asio::co_spawn(context, store_->record(make_record()),
                          [&outcome](std::exception_ptr, Result<RecordOutcome> result) {
                              outcome = std::move(result);
                          });
    context.poll();  // it is with the writer now
    EXPECT_FALSE(outcome);
    ASSERT_TRUE(other->commit());
    context.run();
    EXPECT_EQ(describe(outcome), "recorded");
}

TEST_P(StoreTest, FinishesWhatWaitsBeforeItCloses) {
    boost::asio::io_context context;
    std::vector<TransactionKey> keys;
    for (int i = 0; i < 10; ++i) {
        const auto made = make_record();
        keys.push_back(made.transaction);
        boost::asio::co_spawn(context, store_->record(made),
                              [](std::exception_ptr, const Result<RecordOutcome>& outcome) {
                                  EXPECT_EQ(describe(outcome), "recorded");
                              });
    }
    context.poll();
    store_.reset();
    context.run();
    store_ = open_store(place_, Mode::kOpenExisting);
    for (const TransactionKey& key : keys)
        EXPECT_TRUE(found(*store_, key));
}

TEST_P(StoreTest, ListsTheNewestFirstWithFilterAndLimit) {
    for (const char* subject : {"CN=alpha,O=Example", "CN=Beta,O=Example", "CN=beta 2"}) {
        auto made = make_record(make_certificate(subject));
        made.transaction_id = subject;
        ASSERT_EQ(describe(record(*store_, made)), "recorded");
    }
    const auto subjects = [this](const CertificateFilter& filter) {
        std::vector<std::string> found;
        const auto rows = store_->list(filter).value().rows;
        for (const auto& row : rows)
            found.push_back(row.subject);
        return found;
    };
    using Subjects = std::vector<std::string>;
    EXPECT_EQ(subjects({}), (Subjects{"CN=beta 2", "CN=Beta,O=Example", "CN=alpha,O=Example"}));
    EXPECT_EQ(subjects({.subject_contains = "BETA"}), (Subjects{"CN=beta 2", "CN=Beta,O=Example"}));
    EXPECT_EQ(subjects({.transaction_id = "CN=alpha,O=Example"}), Subjects{"CN=alpha,O=Example"});
    EXPECT_EQ(subjects({.limit = 1}), Subjects{"CN=beta 2"});
    EXPECT_EQ(subjects({.subject_contains = "%' OR 1=1 --"}), Subjects{});
}

TEST_P(StoreTest, KeepsEverythingThatPeopleAskFor) {
    auto made = make_record();
    made.subject_alt_name = {
        testing::general_name(certs::GeneralNameType::kDns, "a.example"),
        testing::general_name(certs::GeneralNameType::kUpn, "u@a.example"),
    };
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    const auto found = store_->find_certificate(certificate_id(made.certificate)).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->serial, made.certificate.serial_hex());
    EXPECT_EQ(found->subject, "CN=device-1,O=Example");
    EXPECT_EQ(found->subject_alt_name, "dns:a.example, upn:u@a.example");
    EXPECT_EQ(found->issuer, made.certificate.issuer_text());
    EXPECT_EQ(found->not_before, made.certificate.not_before());
    EXPECT_EQ(found->not_after, made.certificate.not_after());
    EXPECT_EQ(found->issued_at, made.now);
    EXPECT_EQ(found->endpoint, "/scep");
    EXPECT_EQ(found->transaction_id, "transaction-1");
    EXPECT_EQ(found->ca, "lab");
    EXPECT_EQ(found->template_name, "device");
    EXPECT_EQ(found->policy, "mdm");
    EXPECT_EQ(found->device_id, "device-id");
    EXPECT_EQ(found->user_id, "user-id");
    EXPECT_TRUE(equal(found->der, made.certificate.der()));
}

TEST_P(StoreTest, FindsASerialHoweverItsHexIsWritten) {
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    std::string upper = made.certificate.serial_hex();
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    EXPECT_EQ(store_->with_serial(upper).value().size(), 1U);
    EXPECT_EQ(store_->with_serial("00" + upper).value().size(), 1U);
    EXPECT_EQ(store_->with_serial("0x" + upper).value().size(), 1U);
    EXPECT_FALSE(store_->with_serial(""));
    EXPECT_TRUE(store_->with_serial("0123").value().empty());
    EXPECT_FALSE(store_->with_serial("not hex"));
}

TEST_P(StoreTest, FindsAllThatHaveOneSerialOfWhicheverIssuersTheNewestFirst) {
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    const std::string columns =
        "serial, subject, subject_alt_name, not_before, not_after, issued_at, endpoint, "
        "transaction_id, message_type, template, policy, device_id, user_id, der, identity, "
        "issuer_hash, issuer, ca";
    const std::string copied = columns.substr(0, columns.find("issuer_hash"));
    ASSERT_TRUE(place_.connect()->execute(("INSERT INTO certificates(" + columns + ") SELECT " +
                                           copied + "serial, 'CN=Other', 'other' FROM certificates")
                                              .c_str()));
    const auto found = store_->with_serial(made.certificate.serial_hex()).value();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].ca, "other");
    EXPECT_EQ(found[1].ca, "lab");
}

TEST_P(StoreTest, IsReadWhileAServerRunsAndRecordsNothingThen) {
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store_, made)), "recorded");
    const auto reading = open_store(place_, Mode::kReadOnly);
    EXPECT_EQ(reading->list({})->rows.size(), 1U);
    ASSERT_EQ(describe(record(*store_, make_record())), "recorded");
    EXPECT_EQ(reading->list({})->rows.size(), 2U);
    const auto refused = record(*reading, make_record());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kDenied);
}

TEST_P(StoreTest, IsReadWhenNoServerRuns) {
    ASSERT_EQ(describe(record(*store_, make_record())), "recorded");
    store_.reset();
    EXPECT_EQ(open_store(place_, Mode::kReadOnly)->list({})->rows.size(), 1U);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
