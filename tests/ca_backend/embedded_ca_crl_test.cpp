// The embedded CA takes certificates back and publishes that.
#include <future>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "certs/oids.hpp"
#include "tests/ca_backend/support/pending.hpp"

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

class EmbeddedCaCrlTest : public ::testing::Test {
protected:
    std::shared_ptr<EmbeddedCa> make_ca(const testing::CaSpec& spec = {}) {
        return EmbeddedCa::create(ca_settings(spec), clock_).value();
    }
    certs::Certificate issued(EmbeddedCa& ca) {
        const auto certificate = issue_ok(ca, make_grant()).certificate;
        EXPECT_EQ(describe(record(*store_, make_record(certificate))), "recorded");
        return certificate;
    }
    Crl crl(EmbeddedCa& ca) { return wait_for(ca.crl(*store_, {})).value(); }
    Result<void> revoke(EmbeddedCa& ca, const certs::Certificate& certificate,
                        RevocationReason reason) {
        return wait_for(ca.revoke(*store_, to_bytes(certificate.serial()), reason));
    }

    boost::asio::awaitable<Result<Crl>> revoke_and_ask(EmbeddedCa& ca, Bytes serial) {
        const auto revoked =
            co_await ca.revoke(*store_, std::move(serial), RevocationReason::kKeyCompromise);
        if (!revoked) co_return revoked.error();
        co_return co_await ca.crl(*store_, CrlWanted());
    }

    /// Asked for many times before the first answer, on so many threads.
    std::vector<Crl> together(EmbeddedCa& ca, std::size_t threads) {
        boost::asio::thread_pool pool(threads);
        std::vector<std::future<Result<Crl>>> asked;
        for (int i = 0; i < 16; ++i)
            asked.push_back(
                boost::asio::co_spawn(pool, ca.crl(*store_, {}), boost::asio::use_future));
        std::vector<Crl> got;
        for (auto& each : asked)
            got.push_back(each.get().value());
        // The store's writer lets go of the pool a moment after the last answer.
        pool.join();
        return got;
    }
    static std::int64_t number(const Crl& crl) {
        return std::stoll(to_hex(crl.number()), nullptr, 16);
    }
    static std::set<std::int64_t> numbers(const std::vector<Crl>& crls) {
        std::set<std::int64_t> found;
        for (const Crl& each : crls)
            found.insert(number(each));
        return found;
    }

    testing::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "scepgate.db";
    std::unique_ptr<SqliteStore> store_ = open_store(file_);
    std::shared_ptr<certs::FixedClock> clock_ = std::make_shared<certs::FixedClock>(kNow);
};

TEST_F(EmbeddedCaCrlTest, SignsACrlOfItsOwn) {
    const auto ca = make_ca();
    const Crl made = crl(*ca);
    const auto& certificate = ca->chain().front();
    EXPECT_TRUE(equal(made.issuer_der(), certificate.subject_der()));
    EXPECT_TRUE(made.signed_by(certificate.public_key().value()));
    EXPECT_EQ(made.this_update(), kNow - kCrlBackdate) << "for verifiers whose clocks are late";
    EXPECT_EQ(made.next_update(), kNow + 7 * kDay);
    EXPECT_TRUE(made.entries().empty());
    const auto device = issued(*ca);
    const auto* extension =
        certs::find_extension(device.extensions(), certs::oid::kAuthorityKeyIdentifier);
    ASSERT_NE(extension, nullptr);
    EXPECT_TRUE(
        equal(certs::encode_extension(certs::oid::kAuthorityKeyIdentifier, false, extension->value),
              certs::authority_key_identifier_extension(*made.authority_key_identifier())))
        << "verifiers match the CRL with certificates by it";
}

TEST_F(EmbeddedCaCrlTest, A09_MakesOneAnewAfterEachChange) {
    const auto ca = make_ca();
    const auto device = issued(*ca);
    const Crl first = crl(*ca);
    EXPECT_TRUE(equal(crl(*ca).der(), first.der())) << "nothing happened";
    ASSERT_TRUE(revoke(*ca, device, RevocationReason::kCertificateHold));
    const Crl second = crl(*ca);
    ASSERT_TRUE(second.find(device.serial()));
    EXPECT_EQ(second.find(device.serial())->reason, RevocationReason::kCertificateHold);
    ASSERT_TRUE(revoke(*ca, device, RevocationReason::kRemoveFromCrl));
    const Crl third = crl(*ca);
    EXPECT_FALSE(third.find(device.serial()));
    ASSERT_TRUE(revoke(*ca, device, RevocationReason::kKeyCompromise));
    const Crl fourth = crl(*ca);
    EXPECT_EQ(fourth.find(device.serial())->reason, RevocationReason::kKeyCompromise);
    EXPECT_EQ(number(first), kNow);
    EXPECT_EQ(number(second), kNow + 1);
    EXPECT_EQ(number(third), kNow + 2);
    EXPECT_EQ(number(fourth), kNow + 3);
}

TEST_F(EmbeddedCaCrlTest, A09_MakesOneAnewLongBeforeItsEnd) {
    const auto ca = make_ca();
    const Crl first = crl(*ca);
    clock_->set(kNow + 3 * kDay);
    EXPECT_TRUE(equal(crl(*ca).der(), first.der()));
    clock_->set(kNow + 4 * kDay);
    EXPECT_EQ(crl(*ca).next_update(), kNow + 11 * kDay);
    clock_->set(kNow);
    EXPECT_EQ(crl(*ca).next_update(), kNow + 7 * kDay) << "a clock that was set back";
}

TEST_F(EmbeddedCaCrlTest, NoneSaysThatItIsOlderThanItsCa) {
    const auto ca = make_ca({.not_before = kNow - 60});
    EXPECT_EQ(crl(*ca).this_update(), kNow - 60);
    EXPECT_EQ(crl(*ca).next_update(), kNow + 7 * kDay);
}

TEST_F(EmbeddedCaCrlTest, SeesARevocationByAnotherProcess) {
    const auto ca = make_ca();
    const auto device = issued(*ca);
    ASSERT_TRUE(crl(*ca).entries().empty());
    const auto other_store = open_store(file_);
    ASSERT_TRUE(wait_for(
        ca->revoke(*other_store, to_bytes(device.serial()), RevocationReason::kSuperseded)));
    EXPECT_TRUE(crl(*ca).find(device.serial()));
}

TEST_F(EmbeddedCaCrlTest, GivesTheSameCrlAfterARestart) {
    const auto settings = ca_settings();
    const auto before = EmbeddedCa::create(settings, clock_).value();
    const Crl made = crl(*before);
    const auto after = EmbeddedCa::create(settings, clock_).value();
    EXPECT_TRUE(equal(crl(*after).der(), made.der()));
    const auto new_key = make_ca({.key = testing::ec_key()});
    const Crl other = crl(*new_key);
    EXPECT_TRUE(other.signed_by(testing::ec_key().public_key())) << "the kept one is not its own";
    EXPECT_EQ(number(other), kNow + 1);
}

TEST_F(EmbeddedCaCrlTest, MakesTheNextAfterItsPeriodAndLetsBothOverlap) {
    auto settings = ca_settings();
    settings.crl_period = 3 * kDay;
    settings.crl_validity = 4 * kDay;
    const auto ca = EmbeddedCa::create(settings, clock_).value();
    const Crl first = crl(*ca);
    EXPECT_EQ(first.next_update(), kNow + 4 * kDay);
    clock_->set(kNow + 3 * kDay - 1);
    EXPECT_TRUE(equal(crl(*ca).der(), first.der()));
    clock_->set(kNow + 3 * kDay);
    EXPECT_EQ(number(crl(*ca)), kNow + 3 * kDay);
    settings.crl_period = 4 * kDay + 1;
    EXPECT_EQ(EmbeddedCa::create(settings, clock_).error().code, Errc::kConfig)
        << "there would be none for a second";
}

TEST_F(EmbeddedCaCrlTest, A09_AnotherValidityHoldsAtOnce) {
    (void)crl(*make_ca());
    auto settings = ca_settings();
    settings.crl_validity = kDay;
    const auto shorter = EmbeddedCa::create(settings, clock_).value();
    const Crl made = crl(*shorter);
    EXPECT_EQ(made.next_update(), kNow + kDay) << "the kept one ends in a week";
    EXPECT_EQ(number(made), kNow + 1);
}

TEST_F(EmbeddedCaCrlTest, ManyWhoAskAtOnceShareOneSignature) {
    const auto ca = make_ca();
    const auto device = issued(*ca);
    std::vector<Crl> crls = together(*ca, 1);
    EXPECT_EQ(numbers(crls), std::set{kNow}) << "the first one";
    ASSERT_TRUE(revoke(*ca, device, RevocationReason::kKeyCompromise));
    crls = together(*ca, 1);
    EXPECT_EQ(numbers(crls), std::set{kNow + 1});
    for (const Crl& each : crls)
        EXPECT_TRUE(each.find(device.serial())) << "as each of them came after it";
}

TEST_F(EmbeddedCaCrlTest, A09_WhoWaitsForOneFromBeforeTheirRevocationGetsTheNext) {
    const auto ca = make_ca();
    const auto device = issued(*ca);
    boost::asio::io_context context;
    // The store does one after the other: the first CRL is begun, the revocation recorded, the
    // first CRL kept.
    auto first = boost::asio::co_spawn(context, ca->crl(*store_, {}), boost::asio::use_future);
    auto second = boost::asio::co_spawn(context, revoke_and_ask(*ca, to_bytes(device.serial())),
                                        boost::asio::use_future);
    context.run();
    EXPECT_FALSE(first.get().value().find(device.serial())) << "it was begun before";
    EXPECT_TRUE(second.get().value().find(device.serial()));
}

TEST_F(EmbeddedCaCrlTest, ManyThreadsShareOneSignatureAfterEachRevocation) {
    const auto ca = make_ca();
    (void)crl(*ca);
    for (int round = 2; round < 6; ++round) {
        const auto device = issued(*ca);
        ASSERT_TRUE(revoke(*ca, device, RevocationReason::kSuperseded));
        const std::vector<Crl> crls = together(*ca, 4);
        EXPECT_EQ(numbers(crls), std::set{kNow + round - 1});
        for (const Crl& each : crls)
            EXPECT_TRUE(each.find(device.serial()));
    }
}

TEST_F(EmbeddedCaCrlTest, RevokesOnlyItsOwnCertificates) {
    const auto ca = make_ca();
    const auto other = make_ca({.subject = "CN=Other CA,O=Example"});
    const auto device = issued(*ca);
    EXPECT_EQ(revoke(*other, device, RevocationReason::kSuperseded).error().code, Errc::kNotFound);
    EXPECT_TRUE(revoke(*ca, device, RevocationReason::kSuperseded));
}

TEST_F(EmbeddedCaCrlTest, SaysWhyItMakesNone) {
    const auto without = make_ca({.key_usage = certs::KeyUsage{certs::KeyUsageBit::kKeyCertSign}});
    EXPECT_EQ(wait_for(without->crl(*store_, {})).error().code, Errc::kUnsupported);
    const auto ca = make_ca();
    clock_->set(ca->chain().front().not_after());
    EXPECT_EQ(wait_for(ca->crl(*store_, {})).error().code, Errc::kUnavailable);
    auto settings = ca_settings();
    for (const std::int64_t validity : {60L, 3600L - 1, 400 * kDay + 1}) {
        settings.crl_validity = validity;
        EXPECT_EQ(EmbeddedCa::create(settings, clock_).error().code, Errc::kConfig) << validity;
    }
    for (const std::int64_t validity : {3600L, 400 * kDay}) {
        settings.crl_validity = validity;
        EXPECT_TRUE(EmbeddedCa::create(settings, clock_)) << validity;
    }
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
