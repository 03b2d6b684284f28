// Looking certificates up, taking them back, and what CRLs are made from.
#include <gtest/gtest.h>

#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend {
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
    Result<CertificateRow> revoke(const certs::Certificate& certificate, RevocationReason reason,
                                  std::int64_t at = kNow) {
        return wait_for(store_->revoke({certificate_id(certificate), reason, at}));
    }
    std::optional<CertificateRow> newest(const certs::Certificate& of,
                                         std::string_view template_name = "device") {
        return store_->newest_of_identity(of, template_name, kNow).value();
    }
    static std::string serial(const std::optional<CertificateRow>& row) {
        return row ? row->serial : "none";
    }

    std::unique_ptr<SqlStore> store_ = open_store(place_);
    IssuerHash issuer_ = issuer_hash(make_certificate().issuer_der());
};

SCEPGATE_ON_EACH_ENGINE(StoreRevocationTest);

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
    EXPECT_EQ(serial(newest(first)), first.serial_hex()) << "a revoked one is none";
    EXPECT_FALSE(store_->newest_of_identity(first, "device", first.not_after()).value());
    EXPECT_FALSE(store_->newest_of_identity(first, "device", first.not_before() - 1).value());
}

TEST_P(StoreRevocationTest, RevokesForEver) {
    const auto certificate = recorded();
    const auto row = revoke(certificate, RevocationReason::kKeyCompromise);
    ASSERT_TRUE(row);
    for (const auto& now_or_later :
         {*row, store_->find_serial(certificate.serial_hex()).value().value()}) {
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

TEST_P(StoreRevocationTest, HoldsAndReleases) {
    const auto certificate = recorded();
    EXPECT_EQ(revoke(certificate, RevocationReason::kRemoveFromCrl).error().code, Errc::kConflict);
    ASSERT_TRUE(revoke(certificate, RevocationReason::kCertificateHold));
    EXPECT_EQ(revoke(certificate, RevocationReason::kCertificateHold).error().code,
              Errc::kConflict);
    const auto released = revoke(certificate, RevocationReason::kRemoveFromCrl);
    ASSERT_TRUE(released);
    EXPECT_FALSE(released->revocation);
    EXPECT_FALSE(store_->find_serial(certificate.serial_hex()).value()->revocation);
    ASSERT_TRUE(revoke(certificate, RevocationReason::kCertificateHold));
    EXPECT_TRUE(revoke(certificate, RevocationReason::kSuperseded)) << "from hold to for ever";
}

TEST_P(StoreRevocationTest, SaysWhatItDoesNotKnow) {
    EXPECT_EQ(revoke(make_certificate(), RevocationReason::kSuperseded).error().code,
              Errc::kNotFound);
    EXPECT_EQ(store_->revocation_revision(issuer_).value(), 0);
    EXPECT_FALSE(store_->find_crl(issuer_).value());
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

TEST_P(StoreRevocationTest, NumbersCrlsUpwardsOverRestartsAndNodes) {
    std::int64_t before = 0;
    for (int i = 0; i < 3; ++i) {
        const auto basis = wait_for(store_->begin_crl(issuer_, kNow)).value();
        EXPECT_GT(basis.number, before);
        before = wait_for(open_store(place_)->begin_crl(issuer_, kNow)).value().number;
        EXPECT_GT(before, basis.number);
        store_.reset();
        store_ = open_store(place_, Mode::kOpenExisting);
    }
    IssuerHash other{};
    EXPECT_EQ(wait_for(store_->begin_crl(other, kNow)).value().number, 1) << "each issuer its own";
}

TEST_P(StoreRevocationTest, ListsWhatIsRevokedUntilLongAfterItExpired) {
    const auto good = recorded();
    const auto certificate = recorded();
    ASSERT_TRUE(revoke(certificate, RevocationReason::kSuperseded, kNow - 5));
    const auto basis = wait_for(store_->begin_crl(issuer_, kNow)).value();
    ASSERT_EQ(basis.revoked.size(), 1U);
    EXPECT_EQ(to_hex(basis.revoked[0].serial), certificate.serial_hex());
    EXPECT_EQ(basis.revoked[0].revoked_at, kNow - 5);
    EXPECT_EQ(basis.revoked[0].reason, RevocationReason::kSuperseded);
    EXPECT_EQ(basis.revision, store_->revocation_revision(issuer_).value());
    const std::int64_t end = certificate.not_after();
    EXPECT_EQ(wait_for(store_->begin_crl(issuer_, end + 29 * kDay)).value().revoked.size(), 1U);
    EXPECT_EQ(wait_for(store_->begin_crl(issuer_, end + 31 * kDay)).value().revoked.size(), 0U);
    EXPECT_TRUE(wait_for(store_->begin_crl(IssuerHash{}, kNow)).value().revoked.empty());
}

TEST_P(StoreRevocationTest, KeepsTheNewestCrl) {
    const std::int64_t number = wait_for(store_->begin_crl(issuer_, kNow)).value().number;
    ASSERT_TRUE(wait_for(store_->keep_crl(issuer_, {number + 1, 7, {1, 2}})));
    ASSERT_TRUE(wait_for(store_->keep_crl(issuer_, {number, 6, {3}}))) << "late, and passed over";
    const auto kept = store_->find_crl(issuer_).value();
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->number, number + 1);
    EXPECT_EQ(kept->revision, 7);
    EXPECT_EQ(kept->der, (Bytes{1, 2}));
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
    EXPECT_EQ(wait_for(store_->begin_crl(issuer_, kNow)).error().code, Errc::kDenied);
}

}  // namespace
}  // namespace scepgate::ca_backend
