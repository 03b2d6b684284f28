// The OCSP responder: what it keeps, what it signs anew, and how much of that.
#include "ca_backend/ocsp_responder.hpp"

#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include "ca_backend/embedded_ca.hpp"
#include "tests/ca_backend/support/pending.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace der = certs::der;
using testing::ca_settings;
using testing::describe;
using testing::issue_ok;
using testing::kNow;
using testing::make_grant;
using testing::make_record;
using testing::open_store;
using testing::record;

constexpr int kSuccessful = OCSP_RESPONSE_STATUS_SUCCESSFUL;
constexpr int kTryLater = OCSP_RESPONSE_STATUS_TRYLATER;

class OcspResponderTest : public ::testing::Test {
protected:
    OcspResponderTest() {
        settings_.ca = ca_->chain().front();
        settings_.certify = [this](const certs::PrivateKey& key) -> Result<certs::Certificate> {
            ++certified_;
            if (ca_is_away_) return Error{Errc::kUnavailable, "away"};
            return ca_->certify_ocsp_responder(key.public_key(), kOcspResponderLifetime);
        };
        settings_.uncached_per_second = 3;
        certificate_ = issue_ok(*ca_, make_grant()).certificate;
        EXPECT_EQ(describe(record(*store_, make_record(certificate_))), "recorded");
    }

    void make() { responder_ = OcspResponder::create(settings_, clock_).value(); }

    /// Asks about these serial numbers; the responseStatus as OpenSSL reads it.
    int ask(const std::vector<Bytes>& serials, std::optional<std::uint8_t> nonce = std::nullopt) {
        if (!responder_) make();
        const auto hashes = certs::ocsp_issuer_hashes(settings_.ca, certs::Digest::kSha256).value();
        certs::OcspRequest request;
        std::vector<Bytes> whole;
        for (const Bytes& serial : serials) {
            whole.push_back(der::sequence({der::unsigned_integer(serial)}));
            request.certificates.push_back(
                {certs::Digest::kSha256, hashes.name, hashes.key, serial, {}});
        }
        for (std::size_t i = 0; i < whole.size(); ++i)
            request.certificates[i].whole = whole[i];
        const Bytes octets(16, nonce.value_or(0));
        if (nonce) request.nonce = octets;
        fault_.clear();
        last_ = responder_->answer(request, *store_, asker_, fault_);
        // The CertID that is repeated is none here, so the status alone is looked at.
        certs::DerReader outer(last_.der);
        certs::DerReader fields(outer.read(certs::DerTag::kSequence).value());
        return fields.read(certs::DerTag::kEnumerated).value().front();
    }

    Bytes serial() const { return to_bytes(certificate_.serial()); }

    testing::TemporaryDirectory directory_;
    std::unique_ptr<SqliteStore> store_ = open_store(directory_.path() / "scepgate.db");
    std::shared_ptr<certs::FixedClock> clock_ = std::make_shared<certs::FixedClock>(kNow);
    std::shared_ptr<EmbeddedCa> ca_ = EmbeddedCa::create(ca_settings({}), clock_).value();
    OcspSettings settings_;
    certs::Certificate certificate_;
    std::shared_ptr<OcspResponder> responder_;
    OcspReply last_;
    std::string asker_;
    std::string fault_;
    int certified_ = 0;
    bool ca_is_away_ = false;
};

TEST_F(OcspResponderTest, DatesAnswersBackForWhoeverHasAClockThatIsLate) {
    ASSERT_EQ(ask({serial()}), 0);
    EXPECT_EQ(last_.this_update, kNow - 600);
    EXPECT_EQ(last_.next_update, kNow + settings_.period) << "counted from when it was made";
    const Bytes first = last_.der;
    clock_->set(kNow + settings_.period / 2 - 1);
    ASSERT_EQ(ask({serial()}), 0);
    EXPECT_EQ(last_.der, first);
    clock_->set(kNow + settings_.period / 2);
    ASSERT_EQ(ask({serial()}), 0);
    EXPECT_NE(last_.der, first);
}

TEST_F(OcspResponderTest, KeepsNoAnswerBeyondItsSignersCertificate) {
    settings_.period = 30 * testing::kDay;
    ASSERT_EQ(ask({serial()}), 0);
    const std::int64_t end = last_.next_update;
    EXPECT_LT(end, kNow + settings_.period);
    for (const std::int64_t now : {end - 1, end + 1}) {
        clock_->set(now);
        ASSERT_EQ(ask({serial()}), 0);
        EXPECT_GT(last_.next_update, now + testing::kDay);
    }
}

TEST_F(OcspResponderTest, NoAnswerIsOlderThanItsSignersCertificate) {
    ca_ = EmbeddedCa::create(ca_settings({.not_before = kNow - 60}), clock_).value();
    settings_.ca = ca_->chain().front();
    ASSERT_EQ(ask({serial()}), 0);
    EXPECT_EQ(last_.this_update, kNow - 60);
}

TEST_F(OcspResponderTest, GivesAnAnswerWithoutANonceAgain) {
    ASSERT_EQ(ask({serial()}), kSuccessful) << fault_;
    const Bytes first = last_.der;
    ASSERT_EQ(ask({serial()}), kSuccessful);
    EXPECT_EQ(last_.der, first);
    EXPECT_TRUE(last_.for_all);
}

TEST_F(OcspResponderTest, NoCacheKeepsThatACertificateIsUnknown) {
    ASSERT_EQ(ask({{0x01}}), kSuccessful);
    EXPECT_FALSE(last_.for_all) << "it may be issued at any moment, or taken back";
    ASSERT_EQ(ask({serial(), {0x01}}), kSuccessful);
    EXPECT_FALSE(last_.for_all);
}

TEST_F(OcspResponderTest, SignsSoManyAnswersWithANonceInASecondAndNoMore) {
    for (std::uint8_t i = 0; i < 3; ++i) {
        asker_ = std::to_string(i);
        EXPECT_EQ(ask({serial()}, i), kSuccessful) << fault_;
    }
    asker_ = "one more";
    EXPECT_EQ(ask({serial()}, std::uint8_t{4}), kTryLater);
    EXPECT_NE(fault_.find("ocsp.uncached_per_second"), std::string::npos) << fault_;
    clock_->set(kNow + 1);
    EXPECT_EQ(ask({serial()}, std::uint8_t{5}), kSuccessful);
}

TEST_F(OcspResponderTest, H20_OneAskerTakesHalfOfASecondsAnswersAndLeavesRoomForAnother) {
    settings_.uncached_per_second = 10;
    const auto ask_until_later = [this](std::string asker) {
        asker_ = std::move(asker);
        int count = 0;
        while (ask({serial()}, std::uint8_t{1}) == kSuccessful)
            ++count;
        return count;
    };
    EXPECT_EQ(ask_until_later("busy"), 5);
    EXPECT_EQ(ask_until_later("also busy"), 3);
    EXPECT_EQ(ask_until_later("newcomer"), 1);
    clock_->set(kNow + 1);
    EXPECT_EQ(ask_until_later("busy"), 5) << "nothing is kept of the second before";
}

TEST_F(OcspResponderTest, CountsUnknownAndSeveralCertificatesAlike) {
    settings_.uncached_per_second = 5;
    EXPECT_EQ(ask({{0x01}}), kSuccessful);
    EXPECT_EQ(ask({{0x01}}), kSuccessful);
    EXPECT_EQ(ask({serial(), serial()}), kSuccessful);
    EXPECT_EQ(ask({{0x01}}), kTryLater);
    EXPECT_EQ(ask({serial(), serial()}), kTryLater);
}

TEST_F(OcspResponderTest, AnswersThatCanBeKeptAreGivenInAFloodToo) {
    for (std::uint8_t i = 0; i < 10; ++i)
        (void)ask({serial()}, i);
    EXPECT_EQ(ask({serial()}), kSuccessful) << "signed for the first time";
    EXPECT_EQ(ask({serial()}), kSuccessful) << "kept";
}

TEST_F(OcspResponderTest, AsksACaThatIsAwayOnceInAWhile) {
    ca_is_away_ = true;
    EXPECT_EQ(ask({serial()}), kTryLater);
    EXPECT_EQ(ask({serial()}), kTryLater);
    EXPECT_EQ(certified_, 1);
    ca_is_away_ = false;
    clock_->set(kNow + 5);
    EXPECT_EQ(ask({serial()}), kSuccessful) << fault_;
    EXPECT_EQ(certified_, 2);
}

TEST_F(OcspResponderTest, SignsOnWithTheKeyItHasWhileItsRenewalFails) {
    ASSERT_EQ(ask({serial()}), kSuccessful);
    ca_is_away_ = true;
    clock_->set(kNow + kOcspResponderLifetime - 3600);
    EXPECT_EQ(ask({serial()}), kSuccessful) << fault_;
    EXPECT_EQ(certified_, 2);
    EXPECT_LE(last_.next_update, kNow + kOcspResponderLifetime);
    clock_->set(kNow + kOcspResponderLifetime + 1);
    EXPECT_EQ(ask({serial()}), kTryLater);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
