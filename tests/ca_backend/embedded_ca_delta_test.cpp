// Delta CRLs of the embedded CA, who is told of CRLs, and how often large ones are made.
#include <future>
#include <limits>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::Crl;
using certs::RevocationReason;
using testing::ca_settings;
using testing::describe;
using testing::issue_ok;
using testing::kDay;
using testing::kNow;
using testing::make_grant;
using testing::make_record;
using testing::open_store;
using testing::record;

constexpr std::int64_t kHour = 3600;

class EmbeddedCaDeltaTest : public testing::OnEachEngine {
protected:
    EmbeddedCaDeltaTest() {
        settings_.crl_period = 7 * kDay;
        settings_.crl_validity = 8 * kDay;
        settings_.delta_crl = CrlTimes{2 * kHour, kHour};
        settings_.crl_urls = {"http://pki.example/ca.crl"};
        settings_.freshest_crl_urls = {"http://pki.example/ca+.crl"};
        settings_.record_crl = [this](const MadeCrl& made) -> Result<void> {
            if (records_fail_ || (deltas_fail_ && made.kind == CrlKind::kDelta))
                return Error{Errc::kUnavailable, "the audit file is full"};
            made_.push_back(std::string(to_text(made.kind)) + " " +
                            std::to_string(made.number - kNow));
            left_out_ = made.left_out;
            return {};
        };
        start();
    }
    /// As after a restart.
    void start() { ca_ = EmbeddedCa::create(settings_, clock_).value(); }

    certs::Certificate issued() {
        const auto certificate = issue_ok(*ca_, make_grant()).certificate;
        EXPECT_EQ(describe(record(*store_, make_record(certificate))), "recorded");
        return certificate;
    }
    void revoke(const certs::Certificate& certificate, RevocationReason reason) {
        const auto done = wait_for(ca_->revoke(*store_, to_bytes(certificate.serial()), reason));
        ASSERT_TRUE(done) << done.error().detail;
    }
    Result<Crl> ask(CrlKind kind, CrlDemand demand = CrlDemand::kPaced) {
        return wait_for(ca_->crl(*store_, {kind, demand}));
    }
    Crl complete() { return ask(CrlKind::kComplete).value(); }
    Crl delta() { return ask(CrlKind::kDelta).value(); }
    static std::string number(const Crl& crl) { return to_hex(crl.number()); }
    static std::string base(const Crl& crl) {
        return crl.base_number() ? to_hex(*crl.base_number()) : "none";
    }
    static std::string reason(const Crl& crl, const certs::Certificate& of) {
        const auto entry = crl.find(of.serial());
        return entry ? std::string(to_text(entry->reason)) : "not listed";
    }
    void tamper(const std::string& sql) { ASSERT_TRUE(place_.connect()->execute(sql.c_str())); }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
    std::shared_ptr<certs::FixedClock> clock_ = std::make_shared<certs::FixedClock>(kNow);
    EmbeddedCaSettings settings_ = ca_settings();
    bool records_fail_ = false;
    bool deltas_fail_ = false;
    std::vector<std::string> made_;      ///< kinds, and numbers above kNow
    std::vector<std::string> left_out_;  ///< of the last
    std::shared_ptr<EmbeddedCa> ca_;
};

SCEPGATE_ON_EACH_ENGINE(EmbeddedCaDeltaTest);

/// The key of a CA in a process that signs a delta to a complete CRL of its own alone.
class KeyElsewhere final : public certs::KeyOperations {
public:
    Result<Bytes> sign(certs::Digest digest, ByteView data) const override {
        ++asked;
        const auto base = number_behind(data, {0x06, 0x03, 0x55, 0x1D, 0x1B, 0x01, 0x01, 0xFF});
        const bool known = !base || std::find(made_.begin(), made_.end(), *base) != made_.end();
        if (refuses_all || !known) return Error{Errc::kDenied, "the signer refused"};
        if (!base) made_.push_back(*number_behind(data, {0x06, 0x03, 0x55, 0x1D, 0x14}));
        return testing::rsa_key().sign(digest, data);
    }
    mutable int asked = 0;
    bool refuses_all = false;

private:
    /// In an extension that begins so: its OID, and whether it is critical.
    static std::optional<Bytes> number_behind(ByteView data, const Bytes& beginning) {
        const auto at = std::search(data.begin(), data.end(), beginning.begin(), beginning.end());
        if (at == data.end()) return std::nullopt;
        const auto inside = at + static_cast<std::ptrdiff_t>(beginning.size()) + 2;
        return Bytes(inside + 2, inside + 2 + inside[1]);
    }
    mutable std::vector<Bytes> made_;
};

TEST_P(EmbeddedCaDeltaTest, TheSignerOfAnotherNodeGetsABaseOfItsOwn) {
    const auto one = std::make_shared<KeyElsewhere>(), other = std::make_shared<KeyElsewhere>();
    const auto as_node_of = [this](const std::shared_ptr<KeyElsewhere>& signer) {
        settings_.key = certs::PrivateKey::from_operations(testing::rsa_key().public_key(), signer);
        start();
    };
    as_node_of(one);
    const std::string base_of_one = number(complete());
    ASSERT_EQ(base(delta()), base_of_one);
    const auto node_of_one = ca_;

    as_node_of(other);
    clock_->set(kNow + 3 * kHour);
    const Crl first = delta();
    EXPECT_EQ(other->asked, 3) << "a delta that it refuses, a complete CRL, a delta to that";
    EXPECT_EQ(base(first), number(complete()));
    EXPECT_NE(base(first), base_of_one);
    clock_->set(kNow + 6 * kHour);
    EXPECT_EQ(base(delta()), base(first));
    EXPECT_EQ(other->asked, 4) << "it does not ask for the same again";

    ca_ = node_of_one;
    EXPECT_EQ(base(delta()), base(first)) << "the other's";
    EXPECT_EQ(number(complete()), base(first)) << "so that the delta is of use with it";
    clock_->set(kNow + 9 * kHour);
    EXPECT_EQ(base(delta()), base_of_one) << "which it still knows";
}

TEST_P(EmbeddedCaDeltaTest, DoesNotAskAgainAndAgainForWhatIsRefused) {
    const auto signer = std::make_shared<KeyElsewhere>();
    signer->refuses_all = true;
    settings_.key = certs::PrivateKey::from_operations(testing::rsa_key().public_key(), signer);
    start();
    for (const CrlKind kind : {CrlKind::kComplete, CrlKind::kDelta}) {
        signer->asked = 0;
        const auto refused = ask(kind);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().detail.find("the signer refused"), std::string::npos);
        for (int i = 0; i < 5; ++i)
            EXPECT_EQ(ask(kind, CrlDemand::kAtHand).error().detail, refused.error().detail);
        EXPECT_EQ(signer->asked, 1);
        EXPECT_FALSE(ask(kind, CrlDemand::kNewest)) << "a person asks";
        EXPECT_EQ(signer->asked, 2);
    }
    const auto certificate = make_record();
    ASSERT_EQ(describe(record(*store_, certificate)), "recorded");
    signer->refuses_all = false;
    tamper("UPDATE crls SET revision = revision + 1");
    EXPECT_TRUE(ask(CrlKind::kComplete)) << "another one, with another revocation";
}

TEST_P(EmbeddedCaDeltaTest, A09_ListsAllOthersWhenOneCannotBeListed) {
    const auto first = issued();
    ASSERT_TRUE(complete().entries().empty());
    revoke(first, RevocationReason::kKeyCompromise);
    // Two rows that no command of today writes: number 0, and a reason without a meaning.
    const auto connection = place_.connect();
    for (const auto& [serial, reason] : {std::pair{Bytes{0}, 1}, std::pair{Bytes{0x0B}, 7}}) {
        auto insert = sql::Statement::prepare(
                          *connection,
                          "INSERT INTO revocations(issuer, serial, revoked_at, reason, not_after, "
                          "revision) SELECT issuer, ?, revoked_at, CAST(? AS INTEGER), not_after, "
                          "revision FROM revocations WHERE reason = 1 AND length(serial) > 1")
                          .value();
        ASSERT_TRUE(insert.run().bind(serial).bind(std::int64_t{reason}).finish());
    }
    const Crl made = complete();
    EXPECT_EQ(made.entries().size(), 1U);
    EXPECT_TRUE(made.find(first.serial()));
    ASSERT_EQ(left_out_.size(), 2U);
    EXPECT_NE(left_out_[0].find("of number 0"), std::string::npos) << left_out_[0];
    EXPECT_NE(left_out_[1].find("0b"), std::string::npos) << left_out_[1];
}

TEST_P(EmbeddedCaDeltaTest, SaysWhatHasChangedSinceTheBase) {
    const auto early = issued();
    const auto device = issued();
    revoke(early, RevocationReason::kKeyCompromise);
    const Crl first = complete();
    revoke(device, RevocationReason::kCertificateHold);
    const Crl held = delta();
    EXPECT_EQ(base(held), number(first));
    EXPECT_GT(number(held), number(first));
    EXPECT_EQ(reason(held, device), "certificateHold");
    EXPECT_EQ(reason(held, early), "not listed") << "the base has it";
    EXPECT_EQ(held.next_update(), kNow + 2 * kHour);
    EXPECT_EQ(reason(complete(), device), "certificateHold") << "the complete one, too";
    revoke(device, RevocationReason::kRemoveFromCrl);
    const Crl released = delta();
    EXPECT_EQ(reason(released, device), "removeFromCRL");
    EXPECT_EQ(base(released), number(first)) << "the base of this week";
    EXPECT_EQ(reason(complete(), device), "not listed");
    revoke(device, RevocationReason::kSuperseded);
    EXPECT_EQ(reason(delta(), device), "superseded");
}

TEST_P(EmbeddedCaDeltaTest, MakesTheBaseThatTheFirstDeltaNeeds) {
    const Crl first = delta();
    EXPECT_EQ(base(first), number(complete()));
    EXPECT_TRUE(first.entries().empty());
    EXPECT_EQ(made_, (std::vector<std::string>{"complete 0", "delta 1"}));
}

TEST_P(EmbeddedCaDeltaTest, ACompleteOneComesWithADeltaThatSaysTheSameUnderItsNumber) {
    (void)complete();
    const auto device = issued();
    revoke(device, RevocationReason::kSuperseded);
    const Crl full = complete();
    const Crl change = delta();
    EXPECT_EQ(number(change), number(full)) << "RFC 5280 section 5.2.3";
    EXPECT_EQ(change.this_update(), full.this_update());
    EXPECT_EQ(reason(change, device), "superseded");
    EXPECT_EQ(made_, (std::vector<std::string>{"complete 0", "delta 1", "complete 1"}));
}

TEST_P(EmbeddedCaDeltaTest, NoneSaysThatItIsOlderThanTheOneBefore) {
    const auto device = issued();
    EXPECT_EQ(delta().this_update(), kNow - kCrlBackdate);
    // As of a release that did not date them back.
    tamper("UPDATE kept_crls SET this_update = " + std::to_string(kNow) + " WHERE kind = 0");
    start();
    clock_->set(kNow + 60);
    revoke(device, RevocationReason::kCertificateHold);
    EXPECT_EQ(delta().this_update(), kNow) << "as its base, and not before it";
    EXPECT_EQ(delta().next_update(), kNow + 60 + 2 * kHour) << "counted from when it was made";
    EXPECT_EQ(complete().this_update(), kNow);
    // A clock that was ahead counts nothing.
    tamper("UPDATE kept_crls SET this_update = " + std::to_string(kNow + kDay));
    revoke(device, RevocationReason::kKeyCompromise);
    EXPECT_EQ(complete().this_update(), kNow + 60 - kCrlBackdate);
}

// RFC 5280 section 3.3: on one that is made when due after the certificate has expired.
TEST_P(EmbeddedCaDeltaTest, ListsWhatHasExpiredForAsLongAsACrlLasts) {
    settings_.crl_period = 90 * kDay;
    settings_.crl_validity = 100 * kDay;
    start();
    (void)complete();
    const auto device = issued();
    const std::int64_t end = device.not_after();
    revoke(device, RevocationReason::kSuperseded);
    clock_->set(end - 89 * kDay);
    (void)complete();
    clock_->set(end + kDay);
    EXPECT_EQ(reason(complete(), device), "superseded");
    // Not due, but made because of another; then the next that is due.
    clock_->set(end + 50 * kDay);
    revoke(issued(), RevocationReason::kSuperseded);
    EXPECT_EQ(reason(complete(), device), "superseded");
    clock_->set(end + 99 * kDay);
    revoke(issued(), RevocationReason::kSuperseded);
    EXPECT_EQ(reason(complete(), device), "superseded");
    clock_->set(end + 191 * kDay);
    EXPECT_EQ(reason(complete(), device), "not listed");
}

TEST_P(EmbeddedCaDeltaTest, ListsWhatHasExpiredUntilItWasListedOnce) {
    const auto device = issued();
    (void)complete();
    revoke(device, RevocationReason::kKeyCompromise);
    clock_->set(device.not_after() + 200 * kDay);  // the server was off
    EXPECT_EQ(reason(complete(), device), "keyCompromise");
    clock_->set(device.not_after() + 220 * kDay);
    EXPECT_EQ(reason(complete(), device), "not listed");
}

// A base that is over is none, whatever the period is by now.
TEST_P(EmbeddedCaDeltaTest, DeltasGoOnAfterThePeriodWasLengthened) {
    for (const std::int64_t days : {1, 7}) {
        settings_.crl_period = days * kDay;
        settings_.crl_validity = (days + 1) * kDay;
        start();
        (void)complete();
    }
    clock_->set(kNow + 3 * kDay);
    const auto before = made_.size();
    EXPECT_TRUE(ask(CrlKind::kDelta, CrlDemand::kAtHand));
    EXPECT_LE(made_.size(), before + 2);
}

// RFC 5280 section 5.2.3: with its base a delta says what the complete CRL of its number says.
TEST_P(EmbeddedCaDeltaTest, WhatIsRevokedAfterItExpiredIsOnBothForAMonth) {
    const auto device = issued();
    clock_->set(device.not_after() + 60 * kDay);
    (void)complete();
    revoke(device, RevocationReason::kSuperseded);
    EXPECT_EQ(reason(complete(), device), "superseded");
    EXPECT_EQ(reason(delta(), device), "superseded");
    clock_->set(device.not_after() + 89 * kDay);
    EXPECT_EQ(reason(complete(), device), "superseded");
    clock_->set(device.not_after() + 98 * kDay);
    EXPECT_EQ(reason(complete(), device), "not listed");
    EXPECT_EQ(reason(delta(), device), "not listed");
}

TEST_P(EmbeddedCaDeltaTest, AnotherReasonOfWhatExpiredIsOnOneOfEach) {
    const auto device = issued();
    revoke(device, RevocationReason::kCertificateHold);
    for (const std::int64_t days : {1, 60}) {
        clock_->set(device.not_after() + days * kDay);
        (void)complete();
    }
    EXPECT_EQ(reason(complete(), device), "not listed");
    const auto other = issued();
    revoke(device, RevocationReason::kKeyCompromise);  // as of when it was put on hold
    EXPECT_EQ(reason(complete(), device), "keyCompromise");
    EXPECT_EQ(reason(delta(), device), "keyCompromise");
    revoke(other, RevocationReason::kSuperseded);
    EXPECT_EQ(reason(complete(), device), "not listed");
    EXPECT_EQ(reason(delta(), device), "not listed");
}

TEST_P(EmbeddedCaDeltaTest, AHoldThatExpiredEndsOnDeltasToo) {
    const auto device = issued();
    revoke(device, RevocationReason::kCertificateHold);
    clock_->set(device.not_after() + 29 * kDay);
    EXPECT_EQ(reason(complete(), device), "certificateHold");
    clock_->set(device.not_after() + 35 * kDay);
    revoke(device, RevocationReason::kRemoveFromCrl);
    EXPECT_EQ(reason(delta(), device), "removeFromCRL") << "its base has it";
    EXPECT_EQ(reason(complete(), device), "not listed");
}

TEST_P(EmbeddedCaDeltaTest, MakesDeltasInTheirOwnTime) {
    const Crl first = delta();
    clock_->set(kNow + kHour - 1);
    EXPECT_TRUE(equal(delta().der(), first.der()));
    clock_->set(kNow + kHour);
    const Crl second = delta();
    EXPECT_GT(number(second), number(first));
    EXPECT_EQ(complete().next_update(), kNow + 8 * kDay) << "that one lasts for a week";
    start();
    EXPECT_TRUE(equal(delta().der(), second.der())) << "kept over a restart";
}

TEST_P(EmbeddedCaDeltaTest, CompleteOnesNameThePlaceOfDeltasAndBothTheirDistributionPoint) {
    settings_.issuing_distribution_point = true;
    start();
    const Crl full = complete();
    const Crl change = delta();
    EXPECT_EQ(full.freshest_crl_urls(), settings_.freshest_crl_urls);
    EXPECT_TRUE(change.freshest_crl_urls().empty()) << "RFC 5280 section 5.2.6";
    ASSERT_TRUE(full.issuing_distribution_point());
    EXPECT_EQ(full.issuing_distribution_point()->uris, settings_.crl_urls);
    EXPECT_EQ(change.issuing_distribution_point(), full.issuing_distribution_point())
        << "of one scope";
    settings_.issuing_distribution_point = false;
    start();
    EXPECT_FALSE(complete().issuing_distribution_point()) << "at once";
}

TEST_P(EmbeddedCaDeltaTest, AsksWhereItsCrlsAreWhoeverWritesTheCertificates) {
    const CrlUrls urls{settings_.crl_urls, settings_.freshest_crl_urls};
    settings_.crl_urls.clear();
    settings_.freshest_crl_urls.clear();
    settings_.issuing_distribution_point = true;
    Result<CrlTerms> answer = CrlTerms{urls, 0};
    settings_.terms_elsewhere = [&answer] { return answer; };
    start();
    const Crl first = complete();
    EXPECT_EQ(first.freshest_crl_urls(), urls.freshest);
    EXPECT_EQ(first.issuing_distribution_point()->uris, urls.complete);
    EXPECT_EQ(delta().issuing_distribution_point(), first.issuing_distribution_point());

    answer = Error{Errc::kUnavailable, "nobody is there"};
    start();
    EXPECT_TRUE(equal(complete().der(), first.der())) << "what was signed before is given out";
    answer = CrlTerms{{{"http://new.example/ca.crl"}, {}}, 0};
    start();
    EXPECT_EQ(complete().issuing_distribution_point()->uris, answer->urls.complete);
    answer = CrlTerms{};
    start();
    EXPECT_NE(ask(CrlKind::kComplete).error().detail.find("has none"), std::string::npos);
}

TEST_P(EmbeddedCaDeltaTest, RefersToNoBaseThatWhoeverSignsDoesNotKnow) {
    CrlTerms terms{{settings_.crl_urls, settings_.freshest_crl_urls}, 0};
    settings_.terms_elsewhere = [&terms] { return terms; };
    start();
    const auto device = issued();
    const Crl before = complete();
    EXPECT_EQ(base(delta()), number(before));
    terms.least_base = std::numeric_limits<std::int64_t>::max();  // their records are gone
    revoke(device, RevocationReason::kCertificateHold);
    const Crl first = complete();
    EXPECT_GT(number(first), number(before));
    terms.least_base = std::stoll(number(first), nullptr, 16);
    const Crl change = delta();
    EXPECT_EQ(base(change), number(first)) << "though the one before is still valid";
    EXPECT_EQ(reason(change, device), "not listed") << "the base has it";
    revoke(device, RevocationReason::kRemoveFromCrl);
    EXPECT_EQ(base(delta()), number(first));
    EXPECT_EQ(reason(delta(), device), "removeFromCRL");
}

TEST_P(EmbeddedCaDeltaTest, LetsNoMoreTimePassThanItWaitsForAnotherMaker) {
    const auto device = issued();
    (void)complete();
    revoke(device, RevocationReason::kSuperseded);
    tamper("UPDATE kept_crls SET making_by = 'dead', making_until = " + std::to_string(kNow + 3));
    const auto begun = std::chrono::steady_clock::now();
    const std::int64_t later = complete().next_update() - 8 * kDay - kNow;
    EXPECT_GE(later, 3) << "the other one's lease";
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds(later))
        << "or verifiers refuse it as one of the future";
}

TEST_P(EmbeddedCaDeltaTest, MakesACompleteOneThoughItsDeltaFails) {
    const auto device = issued();
    (void)complete();
    revoke(device, RevocationReason::kSuperseded);
    deltas_fail_ = true;
    EXPECT_EQ(reason(complete(), device), "superseded");
    EXPECT_FALSE(ask(CrlKind::kDelta));
    deltas_fail_ = false;
    EXPECT_EQ(reason(delta(), device), "superseded");
}

TEST_P(EmbeddedCaDeltaTest, MakesNoneUnlessToldTo) {
    settings_.delta_crl.reset();
    start();
    EXPECT_EQ(ask(CrlKind::kDelta).error().code, Errc::kUnsupported);
    EXPECT_TRUE(complete().freshest_crl_urls().empty()) << "there is nothing";
}

TEST_P(EmbeddedCaDeltaTest, GivesOutNothingThatIsNotRecorded) {
    records_fail_ = true;
    const auto refused = ask(CrlKind::kComplete);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("the audit file is full"), std::string::npos);
    EXPECT_FALSE(
        store_->find_crl(issuer_hash(ca_->chain().front().subject_der()), CrlKind::kComplete)
            .value());
    records_fail_ = false;
    EXPECT_TRUE(complete()) << "and the next is not held up by it";
}

TEST_P(EmbeddedCaDeltaTest, MakesALargeCrlNotForEachRevocation) {
    const auto device = issued();
    const Crl first = complete();
    const Crl change = delta();
    tamper("UPDATE kept_crls SET took_ms = 4000 WHERE kind = 0");
    start();
    revoke(device, RevocationReason::kKeyCompromise);
    EXPECT_TRUE(equal(ask(CrlKind::kComplete).value().der(), first.der()));
    clock_->set(kNow + 23);
    EXPECT_TRUE(equal(ask(CrlKind::kComplete).value().der(), first.der()));
    EXPECT_EQ(reason(ask(CrlKind::kDelta).value(), device), "keyCompromise") << "at once";
    EXPECT_GT(number(delta()), number(change));
    clock_->set(kNow + 24);
    EXPECT_TRUE(equal(ask(CrlKind::kComplete, CrlDemand::kAtHand).value().der(), first.der()))
        << "somebody else makes it";
    EXPECT_EQ(reason(ask(CrlKind::kComplete).value(), device), "keyCompromise")
        << "five times as long after it was begun and made";
}

TEST_P(EmbeddedCaDeltaTest, MakesALargeCrlForWhoeverInsistsAndWhenItIsTime) {
    const auto device = issued();
    (void)complete();
    tamper("UPDATE kept_crls SET took_ms = 1000000");
    start();
    revoke(device, RevocationReason::kKeyCompromise);
    EXPECT_EQ(reason(ask(CrlKind::kComplete, CrlDemand::kNewest).value(), device), "keyCompromise");
    tamper("UPDATE kept_crls SET took_ms = 1000000000");
    start();
    clock_->set(kNow + 7 * kDay);
    EXPECT_EQ(ask(CrlKind::kComplete, CrlDemand::kAtHand).value().next_update(), kNow + 15 * kDay);
}

TEST_P(EmbeddedCaDeltaTest, WaitsForAnotherNodeThatIsMakingOne) {
    const IssuerHash issuer = issuer_hash(ca_->chain().front().subject_der());
    CrlOrder other;
    other.issuer = issuer;
    other.now = kNow;
    other.until = kNow + 30;
    other.maker = "another node";
    ASSERT_TRUE(wait_for(store_->begin_crl(other)).value().complete);
    boost::asio::io_context context;
    auto asked =
        boost::asio::co_spawn(context, ca_->crl(*store_, {CrlKind::kComplete, CrlDemand::kPaced}),
                              boost::asio::use_future);
    context.run_for(std::chrono::milliseconds(500));
    EXPECT_EQ(asked.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    EXPECT_TRUE(made_.empty());
    ASSERT_TRUE(wait_for(store_->end_crl(issuer, "another node")));
    context.run();
    EXPECT_TRUE(asked.get().value()) << "it gave up, so this one is made here";
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
