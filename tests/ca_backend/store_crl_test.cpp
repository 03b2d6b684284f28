// CRL numbers and lists, and what is kept under them.
#include <set>

#include <gtest/gtest.h>

#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::Crl;
using certs::RevocationReason;
using testing::kDay;
using testing::kNow;
using testing::make_certificate;
using testing::open_store;

class StoreCrlTest : public testing::OnEachEngine {
protected:
    /// Of what no complete CRL has shown yet.
    static constexpr CrlHorizon kHorizon{kNow - kListedAfterExpiry, 0};

    /// Of a certificate that is not recorded: the list of CRLs does not ask.
    std::string revoke(RevocationReason reason, std::string serial = {},
                       std::int64_t not_after = kNow + kDay) {
        if (serial.empty()) serial = to_hex(random_bytes(15));
        const CertificateId id{issuer_, from_hex("7f" + serial).value()};
        const auto done = wait_for(store_->revoke({id, reason, kNow, {}, not_after}));
        EXPECT_TRUE(done) << done.error().detail;
        return serial;
    }
    CrlOrder order(const std::string& maker, std::int64_t now = kNow) const {
        CrlOrder made;
        made.issuer = issuer_;
        made.key = key_;
        made.now = now;
        made.until = now + 60;
        made.maker = maker;
        return made;
    }
    CrlBegun begin(CrlOrder wanted) {
        return wait_for(store_->begin_crl(std::move(wanted))).value();
    }
    /// A complete CRL, made and kept at this time.
    void keep_at(std::int64_t now, std::int64_t base_period) {
        auto made = to_keep(begin(order("a", now)));
        made.made = made.state.this_update = now;
        made.listed_since = now - kListedAfterExpiry;
        made.base_period = base_period;
        EXPECT_TRUE(keep(made));
        end("a");
    }
    static CrlOrder with_delta(CrlOrder wanted) {
        wanted.delta = true;
        return wanted;
    }
    static CrlOrder delta_alone(CrlOrder wanted) {
        wanted.complete = false;
        wanted.delta = true;
        return wanted;
    }
    static std::set<std::string> serials(const std::vector<certs::RevokedCertificate>& listed) {
        std::set<std::string> found;
        for (const auto& one : listed)
            found.insert(to_hex(one.serial).substr(2));
        return found;
    }
    static std::set<std::string> all(const CrlBegun& begun, std::int64_t now = kNow) {
        return serials(begun.list->next({now - kListedAfterExpiry, begun.revision}, 1000).value());
    }
    /// Octets that pass for a CRL of this number.
    Crl crl(std::int64_t number, std::size_t entries = 0) const {
        certs::CrlContents contents;
        contents.issuer_der = to_bytes(make_certificate().issuer_der());
        contents.authority_key_identifier = key_;
        contents.number = number;
        contents.this_update = kNow;
        contents.next_update = kNow + 8 * kDay;
        certs::CrlBuilder builder(std::move(contents), entries);
        for (std::size_t i = 1; i <= entries; ++i)
            EXPECT_TRUE(builder.add({from_hex(std::to_string(10'000'000 + i)).value(), kNow}));
        return std::move(builder).sign(testing::ec_key(), certs::Digest::kSha256).value();
    }
    CrlToKeep to_keep(const CrlBegun& begun, CrlKind kind = CrlKind::kComplete) const {
        CrlToKeep keep;
        keep.kind = kind;
        keep.state.number = begun.number;
        keep.state.revision = begun.revision;
        keep.made = keep.state.this_update = kNow;
        keep.listed_since = kNow - kListedAfterExpiry;
        keep.crl = crl(begun.number);
        keep.begun = std::chrono::steady_clock::now();
        return keep;
    }
    bool keep(CrlToKeep made) {
        return wait_for(store_->keep_crl(issuer_, std::move(made))).value();
    }
    void end(const std::string& maker) { ASSERT_TRUE(wait_for(store_->end_crl(issuer_, maker))); }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
    IssuerHash issuer_ = issuer_hash(make_certificate().issuer_der());
    Bytes key_ = {1, 2, 3, 4};
};

SCEPGATE_ON_EACH_ENGINE(StoreCrlTest);

TEST_P(StoreCrlTest, NumbersUpwardsOverRestartsAndNodes) {
    std::int64_t before = 0;
    for (int i = 0; i < 3; ++i) {
        const std::int64_t number = begin(order("a")).number;
        EXPECT_GT(number, before);
        before = wait_for(open_store(place_)->begin_crl(order("a"))).value().number;
        EXPECT_GT(before, number);
        store_.reset();
        store_ = open_store(place_, StoreMode::kOpenExisting);
    }
    CrlOrder other = order("a");
    other.issuer = {};
    EXPECT_EQ(begin(other).number, kNow) << "each issuer its own";
}

TEST_P(StoreCrlTest, NumbersByTheTimeSoThatNoneComesTwiceAfterARestore) {
    EXPECT_EQ(begin(order("a")).number, kNow);
    EXPECT_EQ(begin(order("a")).number, kNow + 1) << "the same second";
    EXPECT_EQ(begin(order("a", kNow + 9)).number, kNow + 9);
    EXPECT_EQ(begin(order("a", kNow - kDay)).number, kNow + 10) << "a clock that was set back";
    ASSERT_TRUE(place_.connect()->execute("UPDATE crls SET number = 3"));  // by an earlier version
    EXPECT_EQ(begin(order("a", kNow + 20)).number, kNow + 20) << "as after a restore";
    const std::int64_t far = 250'000'000'000;  // the year 9892
    EXPECT_EQ(begin(order("a", far)).number, far) << "a clock that was ahead";
    EXPECT_EQ(begin(order("a", kNow + 30)).number, far + 1) << "and was set right";
}

TEST_P(StoreCrlTest, ListsWhatIsRevokedUntilLongAfterItExpired) {
    const auto revoked = revoke(RevocationReason::kSuperseded, {}, kNow);
    const auto held = revoke(RevocationReason::kCertificateHold);
    revoke(RevocationReason::kRemoveFromCrl, held);
    const auto begun = begin(order("a"));
    EXPECT_EQ(begun.revision, 3);
    const auto listed = begun.list->next(kHorizon, 10).value();
    ASSERT_EQ(serials(listed), std::set<std::string>{revoked}) << "the other is good again";
    EXPECT_EQ(listed[0].revoked_at, kNow);
    EXPECT_EQ(listed[0].reason, RevocationReason::kSuperseded);
    EXPECT_TRUE(begun.list->next(kHorizon, 10)->empty()) << "that was all";
    EXPECT_EQ(all(begin(order("a")), kNow + 29 * kDay), std::set<std::string>{revoked});
    EXPECT_TRUE(all(begin(order("a")), kNow + 31 * kDay).empty());
}

TEST_P(StoreCrlTest, GoesThroughALongListInPages) {
    std::set<std::string> expected;
    for (int i = 0; i < 25; ++i)
        expected.insert(revoke(RevocationReason::kKeyCompromise));
    const auto complete = begin(order("a"));
    const auto changes = begin(order("a"));
    std::set<std::string> listed;
    std::set<std::string> changed;
    for (const std::size_t size : {10U, 10U, 5U, 0U}) {
        const auto page = complete.list->next(kHorizon, 10).value();
        EXPECT_EQ(page.size(), size);
        listed.merge(serials(page));
        const auto more = changes.list->next_change({1, 0}, kHorizon, 10).value();
        EXPECT_EQ(more.size(), size);
        changed.merge(serials(more));
    }
    EXPECT_EQ(listed, expected);
    EXPECT_EQ(changed, expected);
}

TEST_P(StoreCrlTest, ListsWhatHasChangedAfterABase) {
    const auto old = revoke(RevocationReason::kKeyCompromise);
    const auto held = revoke(RevocationReason::kCertificateHold);
    const CrlBase base{1, store_->revocation_revision(issuer_).value()};
    const auto fresh = revoke(RevocationReason::kSuperseded, {}, kNow - 90 * kDay);
    revoke(RevocationReason::kRemoveFromCrl, held);
    const auto changes = begin(order("a")).list->next_change(base, kHorizon, 10).value();
    ASSERT_EQ(serials(changes), (std::set<std::string>{fresh, held}))
        << "an expired one, too: no complete CRL has shown it";
    EXPECT_EQ(changes[0].reason, RevocationReason::kSuperseded) << "in their order";
    EXPECT_EQ(changes[1].reason, RevocationReason::kRemoveFromCrl);
}

// RFC 5280 section 5.2.3: a delta and a complete CRL of one number say the same.
TEST_P(StoreCrlTest, WhatExpiredLeavesCompleteOnesAndDeltasAtTheSameTime) {
    const CrlBase base{1, 0};
    const auto held = revoke(RevocationReason::kCertificateHold, {}, kNow - 90 * kDay);
    const auto over = revoke(RevocationReason::kSuperseded, {}, kNow - 90 * kDay);
    revoke(RevocationReason::kRemoveFromCrl, held);
    const auto listed = [&](const CrlHorizon& horizon) {
        return serials(begin(order("a")).list->next(horizon, 10).value());
    };
    const auto changed = [&](const CrlHorizon& horizon) {
        return serials(begin(order("a")).list->next_change(base, horizon, 10).value());
    };
    const std::set<std::string> one{over}, both{over, held}, none, released{held};
    EXPECT_EQ(listed({kNow - 1, 3}), one) << "revoked after that";
    EXPECT_EQ(changed({kNow - 1, 3}), both);
    EXPECT_EQ(listed({kNow, 1}), one) << "the last complete CRL did not know of it";
    EXPECT_EQ(changed({kNow, 1}), both);
    EXPECT_EQ(listed({kNow, 3}), none);
    EXPECT_EQ(changed({kNow, 3}), released) << "the base may have it on hold";
}

TEST_P(StoreCrlTest, AListStaysAsItWasWhenItWasBegun) {
    const auto first = revoke(RevocationReason::kCertificateHold);
    const auto begun = begin(order("a"));
    revoke(RevocationReason::kRemoveFromCrl, first);
    revoke(RevocationReason::kSuperseded);
    EXPECT_EQ(all(begun), std::set<std::string>{first});
    EXPECT_EQ(begun.revision, 1);
}

/// Two nodes whose turns to read, build and keep come in every order: a node that has lost its
/// lease without knowing it goes on all the same.
TEST_P(StoreCrlTest, OfTwoMakersNoGreaterNumberEverKnowsLess) {
    const auto other = open_store(place_);
    const auto one = revoke(RevocationReason::kKeyCompromise);
    const auto slow = begin(order("slow"));
    const auto two = revoke(RevocationReason::kKeyCompromise);
    const auto fast = wait_for(other->begin_crl(order("fast", kNow + 61))).value();
    ASSERT_TRUE(fast.complete) << "the lease has run out";
    const auto three = revoke(RevocationReason::kKeyCompromise);
    EXPECT_GT(fast.number, slow.number);
    EXPECT_EQ(all(slow), (std::set<std::string>{one}));
    EXPECT_EQ(all(fast), (std::set<std::string>{one, two})) << "though the slow one reads first";
    ASSERT_TRUE(wait_for(other->keep_crl(issuer_, to_keep(fast))).value());
    EXPECT_FALSE(keep(to_keep(slow))) << "it must not be given out after the other";
    const auto kept = store_->find_crl_state(issuer_, CrlKind::kComplete).value().value();
    EXPECT_EQ(kept.number, fast.number);
    EXPECT_EQ(kept.revision, fast.revision);
    EXPECT_EQ(all(begin(order("slow", kNow + 122))), (std::set<std::string>{one, two, three}));
}

TEST_P(StoreCrlTest, WaitsForNobodyWhoseClockWasAhead) {
    ASSERT_TRUE(begin(order("a little ahead", kNow + 20)).complete);
    EXPECT_FALSE(begin(order("b")).complete) << "it may well be at work";
    end("a little ahead");
    ASSERT_TRUE(begin(order("killed", kNow + 3600)).complete);
    const auto begun = begin(with_delta(order("b")));
    EXPECT_TRUE(begun.complete);
    EXPECT_TRUE(begun.delta);
    EXPECT_FALSE(begin(order("c")).complete) << "b is at it";
}

TEST_P(StoreCrlTest, LetsOneMakerAtATimeWork) {
    const auto other = open_store(place_);
    ASSERT_TRUE(begin(order("a")).complete);
    const auto refused = wait_for(other->begin_crl(order("b", kNow + 59))).value();
    EXPECT_FALSE(refused.complete);
    EXPECT_EQ(refused.list, nullptr);
    ASSERT_TRUE(wait_for(store_->extend_crl(issuer_, "a", kNow + 200)));
    EXPECT_FALSE(wait_for(other->begin_crl(order("b", kNow + 199)))->complete) << "still at it";
    ASSERT_TRUE(wait_for(other->extend_crl(issuer_, "b", kNow + 900))) << "not b's to extend";
    EXPECT_TRUE(wait_for(other->begin_crl(order("b", kNow + 200)))->complete);
    EXPECT_FALSE(begin(order("a", kNow + 201)).complete);
    end("a");
    EXPECT_FALSE(begin(order("a", kNow + 201)).complete) << "not a's to end";
    ASSERT_TRUE(wait_for(other->end_crl(issuer_, "b")));
    EXPECT_EQ(begin(order("a", kNow + 200)).number, kNow + 201) << "refusals take no number";
}

TEST_P(StoreCrlTest, MakesDeltasWhileACompleteOneIsMade) {
    auto first = to_keep(begin(with_delta(order("a"))));
    first.base_period = 7 * kDay;
    ASSERT_TRUE(keep(first));
    end("a");
    ASSERT_TRUE(begin(order("a")).complete);
    const auto delta = begin(delta_alone(order("b")));
    EXPECT_TRUE(delta.delta);
    EXPECT_FALSE(delta.complete);
    ASSERT_TRUE(delta.base);
    EXPECT_EQ(delta.base->number, first.state.number);
    EXPECT_FALSE(begin(delta_alone(order("c"))).delta) << "one maker of each kind";
}

TEST_P(StoreCrlTest, GrantsACompleteOneWhereADeltaHasNoBase) {
    const auto begun = begin(delta_alone(order("a")));
    EXPECT_TRUE(begun.complete);
    EXPECT_FALSE(begun.base);
}

TEST_P(StoreCrlTest, RefersDeltasToTheOldestBaseThatIsStillUsed) {
    const auto kept_at = [this](std::int64_t now) {
        const auto begun = begin(order("a", now));
        auto made = to_keep(begun);
        made.made = made.state.this_update = now;
        made.listed_since = now - kListedAfterExpiry;
        made.base_period = 7 * kDay;
        EXPECT_TRUE(keep(made));
        end("a");
        return begun.number;
    };
    const auto base_at = [this](std::int64_t now) {
        const auto begun = begin(with_delta(order("a", now)));
        end("a");
        return begun.base ? begun.base->number : 0;
    };
    const std::int64_t first = kept_at(kNow);  // every one is valid until eight days after kNow
    EXPECT_EQ(base_at(kNow), first);
    kept_at(kNow + kDay);
    EXPECT_EQ(base_at(kNow + kDay), first) << "the same week";
    const std::int64_t second = kept_at(kNow + 7 * kDay);
    EXPECT_EQ(base_at(kNow + 7 * kDay), first) << "some still have it";
    EXPECT_EQ(base_at(kNow + 8 * kDay), 0) << "all have expired";
    EXPECT_GT(second, first);
    key_ = {9};
    EXPECT_EQ(base_at(kNow + 7 * kDay), 0) << "none of this key";
}

TEST_P(StoreCrlTest, ForgetsWhatNoCrlNeedsAnyMore) {
    const auto revoke = [this](std::uint8_t serial, RevocationReason reason,
                               std::int64_t not_after) {
        RevocationOrder order{{issuer_, {serial}}, reason, kNow};
        order.not_recorded = not_after;
        ASSERT_TRUE(wait_for(store_->revoke(order)));
    };
    const auto left = [this] {
        const auto connection = place_.connect();
        auto select =
            sql::Statement::prepare(*connection, "SELECT serial FROM revocations ORDER BY serial");
        auto query = select->run();
        Bytes serials;
        while (query.next().value())
            serials.push_back(query.blob(0).at(0));
        return serials;
    };
    revoke(1, RevocationReason::kKeyCompromise, kNow + kDay);
    revoke(2, RevocationReason::kKeyCompromise, kNow + 400 * kDay);
    revoke(3, RevocationReason::kCertificateHold, kNow + 400 * kDay);
    keep_at(kNow, 7 * kDay);  // a base, valid until eight days after kNow, that lists all
    revoke(3, RevocationReason::kRemoveFromCrl, kNow + 400 * kDay);
    revoke(4, RevocationReason::kSuperseded, kNow - 60 * kDay);
    keep_at(kNow + 7 * kDay, 0);
    EXPECT_EQ(left(), (Bytes{1, 2, 3, 4}));
    keep_at(kNow + 30 * kDay, 0);
    EXPECT_EQ(left(), (Bytes{1, 2})) << "released long ago, and expired before; one is listed yet";
    keep_at(kNow + 31 * kDay, 0);
    EXPECT_EQ(left(), Bytes{2});
}

TEST_P(StoreCrlTest, ForgetsAsManyAsThereAre) {
    const bool sqlite = GetParam() == testing::Engine::kSqlite;
    revoke(RevocationReason::kSuperseded);
    const std::string many =
        std::string(
            "INSERT INTO revocations(issuer, serial, revoked_at, reason, not_after, "
            "revision) SELECT issuer, ") +
        (sqlite ? "CAST('s' || n.i AS BLOB)" : "convert_to('s' || n.i, 'UTF8')") +
        ", revoked_at, reason, not_after, revision FROM revocations CROSS JOIN " +
        (sqlite ? "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
                  "SELECT i FROM n) AS n"
                : "generate_series(1, 2500) AS n(i)");
    ASSERT_TRUE(place_.connect()->execute(many.c_str()));
    keep_at(kNow + 40 * kDay, 0);
    const auto connection = place_.connect();
    auto count = sql::Statement::prepare(*connection, "SELECT count(*) FROM revocations");
    auto query = count->run();
    ASSERT_TRUE(query.next().value());
    EXPECT_EQ(query.integer(0), 0);
}

TEST_P(StoreCrlTest, KeepsWhatWasRevokedWhileACompleteOneWasMade) {
    const auto begun = begin(order("a"));
    const auto late = revoke(RevocationReason::kKeyCompromise, {}, kNow - 90 * kDay);
    auto made = to_keep(begun);
    made.listed_since = kNow + kDay;
    ASSERT_TRUE(keep(made));
    const auto listed = begin(order("a")).list->next({made.listed_since, begun.revision}, 10);
    EXPECT_EQ(serials(listed.value()), std::set<std::string>{late});
}

TEST_P(StoreCrlTest, KeepsWhatADeltaHasToTellOf) {
    RevocationOrder held{{issuer_, {1}}, RevocationReason::kCertificateHold, kNow};
    held.not_recorded = kNow + 400 * kDay;
    ASSERT_TRUE(wait_for(store_->revoke(held)));
    keep_at(kNow, 7 * kDay);
    held.reason = RevocationReason::kRemoveFromCrl;
    held.at = kNow - 60 * kDay;  // by a clock that was behind
    ASSERT_TRUE(wait_for(store_->revoke(held)));
    keep_at(kNow + kDay, 0);
    const auto begun = begin(delta_alone(order("a", kNow + kDay)));
    ASSERT_TRUE(begun.base);
    EXPECT_EQ(begun.list->next_change(*begun.base, kHorizon, 10).value().size(), 1U);
}

TEST_P(StoreCrlTest, KeepsALargeCrlInParts) {
    const auto begun = begin(order("a"));
    auto made = to_keep(begun);
    made.crl = crl(begun.number, 60'000);
    ASSERT_GT(made.crl.der().size(), std::size_t{1} << 20) << "more than one part";
    ASSERT_TRUE(keep(made));
    const auto found = store_->find_crl(issuer_, CrlKind::kComplete).value();
    ASSERT_TRUE(found);
    EXPECT_TRUE(equal(found->der, made.crl.der()));
    EXPECT_EQ(found->state.number, begun.number);
    EXPECT_FALSE(store_->find_crl(issuer_, CrlKind::kDelta).value()) << "each kind its own";

    const auto next = to_keep(begin(order("a")));
    ASSERT_TRUE(keep(next));
    EXPECT_TRUE(equal(store_->find_crl(issuer_, CrlKind::kComplete).value()->der, next.crl.der()));
    const auto connection = place_.connect();
    auto parts = sql::Statement::prepare(*connection, "SELECT count(*) FROM crl_parts").value();
    auto query = parts.run();
    ASSERT_TRUE(query.next().value());
    EXPECT_EQ(query.integer(0), 1) << "nothing is left of the one before";
}

TEST_P(StoreCrlTest, LiftsNumbersAndNeverLowersThem) {
    const auto lift = [this](std::int64_t above) {
        return wait_for(store_->lift_crl_number(issuer_, above)).value();
    };
    EXPECT_TRUE(lift(kNow + 70));
    EXPECT_EQ(begin(order("a")).number, kNow + 71);
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), 0);
    EXPECT_FALSE(lift(kNow + 71));
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), 0) << "nothing has changed";
    EXPECT_FALSE(lift(5));
    EXPECT_EQ(begin(order("a")).number, kNow + 72);
    EXPECT_TRUE(lift(kNow + 100));
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), 1) << "what is kept is old now";
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
