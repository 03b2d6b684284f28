// Looking certificates up, taking them back, and what CRLs are made from.
#include <set>

#include <gtest/gtest.h>

#include "ca_backend/sql_compromised_keys.hpp"
#include "ca_backend/sql_verify.hpp"
#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::RevocationReason;
using testing::describe;
using testing::kDay;
using testing::kNow;
using testing::make_certificate;
using testing::make_record;
using testing::open_store;
using testing::record;
using Mode = StoreMode;

class StoreRevocationTest : public testing::OnEachEngine {
protected:
    certs::Certificate recorded(std::string_view subject = "CN=device-1,O=Example") {
        const auto made = make_record(make_certificate(subject));
        EXPECT_EQ(describe(record(*store_, made)), "recorded");
        return made.certificate;
    }
    /// The same, but all of one CA.
    certs::Certificate issued(const std::string& subject) {
        const auto ca =
            EmbeddedCa::create(testing::ca_settings(), std::make_shared<certs::FixedClock>(kNow))
                .value();
        const auto grant = testing::make_grant({.subject = subject});
        const auto made = make_record(testing::issue_ok(*ca, grant).certificate);
        EXPECT_EQ(describe(record(*store_, made)), "recorded");
        return made.certificate;
    }
    Result<CertificateRow> revoke(const certs::Certificate& certificate, RevocationReason reason,
                                  std::int64_t at = kNow) {
        auto done = wait_for(store_->revoke({certificate_id(certificate), reason, at}));
        if (!done) return done.error();
        return done->certificate;
    }
    std::optional<CertificateRow> newest(const certs::Certificate& of,
                                         std::string_view template_name = "device") {
        return store_->newest_of_identity(identity_of(of, template_name)).value();
    }
    static std::string serial(const std::optional<CertificateRow>& row) {
        return row ? row->serial : "none";
    }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
    IssuerHash issuer_ = issuer_hash(make_certificate().issuer_der());
};

SCEPGATE_ON_EACH_ENGINE(StoreRevocationTest);

TEST_P(StoreRevocationTest, OfEachIssuerThatMattersThereIsACertificate) {
    EXPECT_TRUE(store_->certificates_of_issuers({"lab"}).value().empty());
    const auto first = recorded();
    const auto ca = store_->find_certificate(certificate_id(first)).value()->ca;
    recorded("CN=device-2,O=Example");
    const auto last = recorded("CN=device-3,O=Example");
    EXPECT_TRUE(store_->certificates_of_issuers({"another"}).value().empty());
    EXPECT_EQ(store_->certificates_of_issuers({ca, "another"}).value(), std::vector{last});
    ASSERT_TRUE(revoke(first, RevocationReason::kSuperseded));
    EXPECT_EQ(store_->certificates_of_issuers({}).value(), std::vector{first});
    EXPECT_EQ(store_->certificates_of_issuers({ca}).value(), (std::vector{first, last}));
}

TEST_P(StoreRevocationTest, FindsACertificateByIssuerAndSerial) {
    const auto certificate = recorded();
    auto id = certificate_id(certificate);
    EXPECT_EQ(serial(store_->find_certificate(id).value()), certificate.serial_hex());
    id.serial.insert(id.serial.begin(), 0);
    if (certificate.serial()[0] != 0) {
        EXPECT_EQ(serial(store_->find_certificate(id).value()), certificate.serial_hex());
    }
    id = certificate_id(certificate);
    id.issuer[0] ^= 1;
    EXPECT_EQ(serial(store_->find_certificate(id).value()), "none") << "G01: a namesake's serial";
}

TEST_P(StoreRevocationTest, G05_KnowsTheNewestOfAnIdentity) {
    const auto first = recorded();
    EXPECT_EQ(serial(newest(first)), first.serial_hex());
    const auto second = recorded();
    EXPECT_EQ(serial(newest(first)), second.serial_hex());
    recorded("CN=device-2,O=Example");
    auto other_template = make_record();
    other_template.template_name = "other";
    ASSERT_EQ(describe(record(*store_, other_template)), "recorded");
    EXPECT_EQ(serial(newest(first)), second.serial_hex()) << "other names or another template";
    EXPECT_EQ(serial(newest(first, "other")), other_template.certificate.serial_hex());
    ASSERT_TRUE(revoke(second, RevocationReason::kCertificateHold));
    EXPECT_EQ(serial(newest(first)), second.serial_hex()) << "or a hold would revive the first";
}

TEST_P(StoreRevocationTest, G05_KnowsTheNewestHoweverItsNamesAreSpelled) {
    const auto first = issued("CN=device-1,O=Example");
    const auto second = issued("CN=DEVICE-1,O=Example");
    EXPECT_EQ(serial(newest(first)), second.serial_hex());
    EXPECT_EQ(serial(newest(second)), second.serial_hex());
}

TEST_P(StoreRevocationTest, G05_KnowsTheNewestAmongThoseOfEarlierVersionsToo) {
    const auto before = issued("CN=device-1,O=Example");
    const auto rename = [this](const certs::Certificate& row) {
        const std::string hash = to_hex(identity_of(row, "device").by_octets);
        const bool sqlite = GetParam() == testing::Engine::kSqlite;
        const std::string value = sqlite ? "x'" + hash + "'" : "'\\x" + hash + "'";
        const std::string serial = to_hex(without_sign_octet(row.serial()));
        const std::string which = sqlite ? "x'" + serial + "'" : "'\\x" + serial + "'";
        ASSERT_TRUE(place_.connect()->execute(
            ("UPDATE certificates SET identity = " + value + " WHERE serial = " + which).c_str()));
    };
    rename(before);
    EXPECT_EQ(serial(newest(before)), before.serial_hex()) << "as it spells its names";
    const auto since = issued("CN=DEVICE-1,O=Example");
    EXPECT_EQ(serial(newest(before)), since.serial_hex());
    const auto last = issued("CN=device-1,O=Example");
    rename(last);  // by a node that was not upgraded yet
    EXPECT_EQ(serial(newest(before)), last.serial_hex());
}

TEST_P(StoreRevocationTest, RevokesForEver) {
    const auto certificate = recorded();
    const auto row = revoke(certificate, RevocationReason::kKeyCompromise);
    ASSERT_TRUE(row);
    for (const auto& now_or_later :
         {*row, store_->find_certificate(certificate_id(certificate)).value().value()}) {
        ASSERT_TRUE(now_or_later.revocation);
        EXPECT_EQ(now_or_later.revocation->reason, RevocationReason::kKeyCompromise);
        EXPECT_EQ(now_or_later.revocation->at, kNow);
    }
    for (const auto reason : {RevocationReason::kSuperseded, RevocationReason::kCertificateHold,
                              RevocationReason::kRemoveFromCrl}) {
        const auto again = revoke(certificate, reason, kNow + 1);
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().code, Errc::kConflict);
        EXPECT_NE(again.error().detail.find("keyCompromise"), std::string::npos);
    }
}

TEST_P(StoreRevocationTest, K03_KnowsTheKeysOfCompromisedCertificatesForEver) {
    const auto held = recorded();
    const auto twin = recorded("CN=device-2,O=Example");
    ASSERT_TRUE(equal(twin.spki(), held.spki()));
    const auto key = sha256(held.spki());
    ASSERT_TRUE(revoke(held, RevocationReason::kCertificateHold));
    EXPECT_FALSE(store_->is_compromised(key).value());
    ASSERT_TRUE(revoke(held, RevocationReason::kKeyCompromise, kNow + 1));
    EXPECT_TRUE(store_->is_compromised(key).value());
    EXPECT_FALSE(store_->is_compromised(sha256(held.der())).value()) << "another one";
    EXPECT_TRUE(revoke(twin, RevocationReason::kKeyCompromise, kNow + 2)) << "it is there already";
    EXPECT_TRUE(store_->is_compromised(key).value());
}

TEST_P(StoreRevocationTest, K03_RecordsNoKeyThatWasCompromisedWhileItsCertificateWasSigned) {
    const auto signed_meanwhile = make_record(make_certificate("CN=device-2,O=Example"));
    ASSERT_TRUE(revoke(recorded(), RevocationReason::kKeyCompromise));
    EXPECT_EQ(describe(record(*store_, signed_meanwhile)), "key compromised");
    EXPECT_FALSE(testing::stored(*store_, signed_meanwhile));
    auto waiting = testing::make_pending("waits");
    waiting.transaction = signed_meanwhile.transaction;
    waiting.transaction_id = signed_meanwhile.transaction_id;
    waiting.signer_key = signed_meanwhile.signer_key;
    ASSERT_TRUE(testing::record_pending(*store_, waiting));
    EXPECT_EQ(describe(record(*store_, signed_meanwhile)), "key compromised")
        << "however long it waited";
}

TEST_P(StoreRevocationTest, K03_RenewsNoCertificateOfACompromisedKey) {
    auto renewal = make_record();
    renewal.renewal.emplace().certificate = certificate_id(recorded("CN=renewed"));
    const auto compromised = recorded();
    renewal.signer_key = sha256(compromised.spki());
    ASSERT_TRUE(revoke(compromised, RevocationReason::kKeyCompromise));
    EXPECT_EQ(describe(record(*store_, renewal)), "key compromised");
}

TEST_P(StoreRevocationTest, K03_FindsTheKeysOfBeforeThereWasAList) {
    const auto compromised = recorded();
    const auto key = sha256(compromised.spki());
    ASSERT_TRUE(revoke(compromised, RevocationReason::kSuperseded));
    const auto find = [&] {
        const auto connection = place_.connect();
        ASSERT_TRUE(connection->execute("DELETE FROM compromised_keys"));
        const auto found = sql::find_compromised_keys(*connection);
        ASSERT_TRUE(found) << found.error().detail;
    };
    find();
    EXPECT_FALSE(store_->is_compromised(key).value()) << "for another reason";
    const auto another = recorded("CN=device-2,O=Example");
    ASSERT_TRUE(revoke(another, RevocationReason::kKeyCompromise));
    find();
    EXPECT_TRUE(store_->is_compromised(key).value());
    const Bytes damage{0x30, 0x00};
    const auto connection = place_.connect();
    auto spoil = sql::Statement::prepare(*connection, "UPDATE certificates SET der = ?").value();
    ASSERT_TRUE(spoil.run().bind(damage).finish());
    find();
    EXPECT_FALSE(store_->is_compromised(key).value()) << "passed over";
}

TEST_P(StoreRevocationTest, HoldsAndReleases) {
    const auto certificate = recorded();
    EXPECT_EQ(revoke(certificate, RevocationReason::kRemoveFromCrl).error().code, Errc::kConflict);
    ASSERT_TRUE(revoke(certificate, RevocationReason::kCertificateHold));
    EXPECT_EQ(revoke(certificate, RevocationReason::kCertificateHold).error().code,
              Errc::kConflict);
    const auto released = revoke(certificate, RevocationReason::kRemoveFromCrl);
    ASSERT_TRUE(released);
    EXPECT_FALSE(released->revocation);
    EXPECT_FALSE(store_->find_certificate(certificate_id(certificate)).value()->revocation);
    ASSERT_TRUE(revoke(certificate, RevocationReason::kCertificateHold));
    EXPECT_TRUE(revoke(certificate, RevocationReason::kSuperseded)) << "from hold to for ever";
}

TEST_P(StoreRevocationTest, WhatWasOnHoldWasRevokedWhenItWasPutThere) {
    const auto certificate = recorded();
    ASSERT_TRUE(revoke(certificate, RevocationReason::kCertificateHold, kNow));
    const auto row = revoke(certificate, RevocationReason::kSuperseded, kNow + kDay);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->revocation->at, kNow);
    EXPECT_EQ(store_->find_revocation(certificate_id(certificate)).value()->at, kNow);
    EXPECT_EQ(store_->find_certificate(certificate_id(certificate)).value()->revocation->at, kNow);

    const auto released = recorded();
    ASSERT_TRUE(revoke(released, RevocationReason::kCertificateHold, kNow));
    ASSERT_TRUE(revoke(released, RevocationReason::kRemoveFromCrl, kNow + 1));
    EXPECT_EQ(revoke(released, RevocationReason::kSuperseded, kNow + 2)->revocation->at, kNow + 2)
        << "it was good again between";
}

TEST_P(StoreRevocationTest, K03_ThatAKeyIsCompromisedMayBecomeKnownLater) {
    const auto certificate = recorded();
    const auto id = certificate_id(certificate);
    const auto order = [&](RevocationReason reason, std::int64_t at,
                           std::optional<std::int64_t> invalid) {
        return wait_for(store_->revoke({id, reason, at, invalid}));
    };
    ASSERT_TRUE(order(RevocationReason::kSuperseded, kNow, kNow - 1));
    const auto revision = store_->revocation_revision(issuer_).value();
    ASSERT_TRUE(order(RevocationReason::kKeyCompromise, kNow + kDay, {}));
    const auto found = store_->find_revocation(id).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->reason, RevocationReason::kKeyCompromise);
    EXPECT_EQ(found->at, kNow) << "since when it is revoked";
    EXPECT_EQ(found->invalidity_date, kNow - 1) << "none was given in its place";
    EXPECT_GT(store_->revocation_revision(issuer_).value(), revision) << "CRLs have to say so";
    EXPECT_TRUE(store_->is_compromised(sha256(certificate.spki())).value());
    EXPECT_EQ(order(RevocationReason::kKeyCompromise, kNow + kDay, {}).error().code,
              Errc::kConflict)
        << "it is known";
    EXPECT_EQ(order(RevocationReason::kSuperseded, kNow + kDay, {}).error().code, Errc::kConflict)
        << "and stays so";
    EXPECT_TRUE(verify_references(*place_.connect())->empty());
}

TEST_P(StoreRevocationTest, SaysWhatItDoesNotKnow) {
    EXPECT_EQ(revoke(make_certificate(), RevocationReason::kSuperseded).error().code,
              Errc::kNotFound);
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), 0);
    EXPECT_FALSE(store_->find_crl(issuer_, CrlKind::kComplete).value());
}

TEST_P(StoreRevocationTest, CountsEveryChange) {
    const auto certificate = recorded();
    std::int64_t before = store_->revocation_revision(issuer_).value();
    for (const auto reason : {RevocationReason::kCertificateHold, RevocationReason::kRemoveFromCrl,
                              RevocationReason::kSuperseded}) {
        ASSERT_TRUE(revoke(certificate, reason));
        const std::int64_t after = store_->revocation_revision(issuer_).value();
        EXPECT_GT(after, before);
        before = after;
    }
    EXPECT_FALSE(revoke(certificate, RevocationReason::kSuperseded));
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), before) << "nothing changed";
}

TEST_P(StoreRevocationTest, KeepsTheListOfCrlsInStepWithTheStatus) {
    const auto certificate = recorded();
    const auto id = certificate_id(certificate);
    EXPECT_FALSE(store_->find_revocation(id).value());
    ASSERT_TRUE(revoke(certificate, RevocationReason::kCertificateHold));
    EXPECT_EQ(store_->find_revocation(id).value()->reason, RevocationReason::kCertificateHold);
    ASSERT_TRUE(revoke(certificate, RevocationReason::kRemoveFromCrl));
    EXPECT_FALSE(store_->find_revocation(id).value()) << "good again";
    ASSERT_TRUE(
        wait_for(store_->revoke({id, RevocationReason::kKeyCompromise, kNow, kNow - kDay})));
    const auto found = store_->find_revocation(id).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->at, kNow);
    EXPECT_EQ(found->invalidity_date, kNow - kDay);
    EXPECT_TRUE(verify_references(*place_.connect())->empty());
}

TEST_P(StoreRevocationTest, KeepsAnInvalidityDateOfAnyYear) {
    for (const std::int64_t date : {std::int64_t{-62'135'596'800}, std::int64_t{-1}, kNow}) {
        const auto certificate = recorded();
        const auto id = certificate_id(certificate);
        ASSERT_TRUE(wait_for(store_->revoke({id, RevocationReason::kSuperseded, kNow, date})));
        EXPECT_EQ(store_->find_revocation(id).value()->invalidity_date, date);
    }
}

TEST_P(StoreRevocationTest, TellsWhenTheListOfCrlsAndTheStatusDisagree) {
    const auto kinds = [this] {
        std::set<std::string> found;
        for (const auto& fault : verify_references(*place_.connect()).value())
            found.insert(fault.kind);
        return found;
    };
    const auto revoked = recorded();
    const auto good = recorded();
    ASSERT_TRUE(revoke(revoked, RevocationReason::kSuperseded));
    ASSERT_TRUE(kinds().empty());
    const auto tamper = [this](const std::string& sql) {
        ASSERT_TRUE(place_.connect()->execute(sql.c_str()));
    };
    tamper("UPDATE revocations SET reason = 1");
    EXPECT_EQ(kinds(), std::set<std::string>{"revocation_differs"});
    tamper("UPDATE revocations SET reason = 8");
    EXPECT_EQ(kinds(), std::set<std::string>{"revocation_differs"}) << "no CRL would list it";
    tamper("DELETE FROM revocations");
    EXPECT_EQ(kinds(), std::set<std::string>{"revocation_differs"});
    tamper(
        "INSERT INTO revocations(issuer, serial, revoked_at, reason, not_after, revision) "
        "SELECT issuer_hash, serial, " +
        std::to_string(kNow) +
        ", 4, not_after, 1 "
        "FROM certificates");
    EXPECT_EQ(kinds(), std::set<std::string>{"revocation_differs"}) << "a good one is listed";
    tamper(
        "DELETE FROM revocations WHERE serial IN (SELECT serial FROM certificates WHERE "
        "revoked_at IS NULL)");
    EXPECT_TRUE(kinds().empty());
    tamper("UPDATE revocations SET revision = 7");
    EXPECT_EQ(kinds(), std::set<std::string>{"revocation_uncounted"});
}

TEST_P(StoreRevocationTest, TakesBackWhatIsNotRecorded) {
    const auto certificate = make_certificate();
    const auto id = certificate_id(certificate);
    const std::int64_t end = certificate.not_after();
    const auto order = [&](RevocationReason reason) {
        return wait_for(store_->revoke({id, reason, kNow, {}, end}));
    };
    const auto held = order(RevocationReason::kCertificateHold);
    ASSERT_TRUE(held) << held.error().detail;
    EXPECT_EQ(held->certificate.serial, certificate.serial_hex());
    EXPECT_EQ(order(RevocationReason::kCertificateHold).error().code, Errc::kConflict);
    ASSERT_TRUE(order(RevocationReason::kRemoveFromCrl));
    EXPECT_FALSE(store_->find_revocation(id).value());
    ASSERT_TRUE(order(RevocationReason::kKeyCompromise));
    EXPECT_EQ(order(RevocationReason::kSuperseded).error().code, Errc::kConflict) << "for ever";
    EXPECT_EQ(store_->find_revocation(id).value()->reason, RevocationReason::kKeyCompromise);
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), 3);
    EXPECT_TRUE(verify_references(*place_.connect())->empty());

    const auto known = recorded();
    const auto wrong = wait_for(
        store_->revoke({certificate_id(known), RevocationReason::kSuperseded, kNow, {}, end}));
    EXPECT_EQ(wrong.error().code, Errc::kConflict) << "it is recorded";
}

TEST_P(StoreRevocationTest, TakesNothingBackThatNoCrlCanList) {
    const auto order = [&](Bytes serial) {
        return wait_for(store_->revoke(
            {{issuer_, std::move(serial)}, RevocationReason::kSuperseded, kNow, {}, kNow + kDay}));
    };
    for (const Bytes& serial : {Bytes{}, Bytes{0}, Bytes(5), Bytes(21, 0x7F), Bytes(300, 1)})
        EXPECT_EQ(order(serial).error().code, Errc::kMalformed) << to_hex(serial);
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), 0);
    Bytes longest(21, 0xFF);
    longest[0] = 0;
    EXPECT_TRUE(order(longest)) << "RFC 5280: 20 octets, here with a sign octet";
}

TEST(ParseSerialTest, ReadsWhatPeoplePaste) {
    for (const char* text :
         {"5560ab", "5560AB", "005560aB", "0x5560ab", "0X5560AB", "00:55:60:ab", "55:60:AB"})
        EXPECT_EQ(parse_serial(text).value(), (Bytes{0x55, 0x60, 0xAB})) << text;
    EXPECT_EQ(parse_serial("5").value(), Bytes{5});
}

TEST(ParseSerialTest, RefusesWhatNoCertificateHas) {
    for (const std::string& text :
         {std::string(), std::string("0"), std::string("00"), std::string("0x"), std::string("0x0"),
          std::string("00:00"), std::string(":"), std::string("5:560"), std::string("55:60:"),
          std::string("5560ag"), std::string("55 60"), std::string(42, '1'), std::string(600, 'f')})
        EXPECT_EQ(parse_serial(text).error().code, Errc::kMalformed) << text;
    EXPECT_TRUE(parse_serial("000" + std::string(40, 'f')));
}

TEST_P(StoreRevocationTest, RenewsNothingThatWasTakenBackUnrecorded) {
    const auto old = make_certificate();
    ASSERT_TRUE(wait_for(store_->revoke(
        {certificate_id(old), RevocationReason::kKeyCompromise, kNow, {}, old.not_after()})));
    auto renewal = make_record();
    renewal.renewal.emplace();
    renewal.renewal->certificate = certificate_id(old);
    EXPECT_EQ(describe(record(*store_, renewal)), "signer revoked");
}

TEST_P(StoreRevocationTest, FiltersByRevocationAndExpiry) {
    const auto good = recorded();
    const auto bad = recorded();
    ASSERT_TRUE(revoke(bad, RevocationReason::kSuperseded));
    const auto revoked = store_->list({.status = CertificateFilter::Status::kRevoked}).value().rows;
    ASSERT_EQ(revoked.size(), 1U);
    EXPECT_EQ(revoked[0].serial, bad.serial_hex());
    const std::int64_t end = good.not_after();
    EXPECT_EQ(store_->list({.expires_from = end, .expires_until = end})->rows.size(), 2U);
    EXPECT_EQ(store_->list({.expires_from = end + 1, .expires_until = end + 1})->rows.size(), 0U);
    EXPECT_EQ(store_->list({.expires_from = 0, .expires_until = end - 1})->rows.size(), 0U);
}

TEST_P(StoreRevocationTest, WritesNothingWhenOpenedForReading) {
    const auto certificate = recorded();
    store_ = open_store(place_, Mode::kReadOnly);
    EXPECT_EQ(revoke(certificate, RevocationReason::kSuperseded).error().code, Errc::kDenied);
    EXPECT_EQ(wait_for(store_->lift_crl_number(issuer_, 7)).error().code, Errc::kDenied);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
