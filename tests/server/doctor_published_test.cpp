#include <gtest/gtest.h>

#include "certs/crl_builder.hpp"
#include "server/doctor/judge_published.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::server::doctor::this_file {
namespace {

namespace st = scep::testing;

constexpr std::int64_t kNow = st::kNow;
constexpr std::int64_t kDay = 86'400;

class DoctorPublished : public ::testing::Test {
protected:
    DoctorPublished() {
        contents.issuer_der = to_bytes(pki.ca.subject_der());
        contents.authority_key_identifier = Bytes(20, 7);
        contents.number = 255;
        contents.this_update = kNow - kDay;
        contents.next_update = kNow + kDay;
    }

    [[nodiscard]] Verdict judge(CrlKind kind, std::int64_t now = kNow,
                                const certs::PrivateKey& key = st::ca_key()) const {
        const auto crl = certs::CrlBuilder(contents).sign(key, certs::Digest::kSha256).value();
        return judge_published_crl(crl.der(), pki.ca, kind, now);
    }

    st::RaPki pki;
    certs::CrlContents contents;
};

TEST_F(DoctorPublished, ACrlIsWellInItsTimeAlone) {
    EXPECT_EQ(judge(CrlKind::kComplete).outcome, Outcome::kOk);
    EXPECT_NE(judge(CrlKind::kComplete).came.find("CRL ff until 2027-01-16"), std::string::npos);
    EXPECT_EQ(judge(CrlKind::kComplete, kNow + kDay - 1).outcome, Outcome::kOk);
    EXPECT_EQ(judge(CrlKind::kComplete, kNow + kDay).outcome, Outcome::kFailed);
    EXPECT_EQ(judge(CrlKind::kComplete, kNow - kDay - 299).outcome, Outcome::kOk);
    EXPECT_EQ(judge(CrlKind::kComplete, kNow - kDay - 301).outcome, Outcome::kFailed);
}

TEST_F(DoctorPublished, ACrlOfAnotherKeyOrNameIsNoneOfTheCas) {
    EXPECT_EQ(judge(CrlKind::kComplete, kNow, st::root_key()).outcome, Outcome::kFailed);
    contents.issuer_der = to_bytes(pki.root.subject_der());
    EXPECT_EQ(judge(CrlKind::kComplete).outcome, Outcome::kFailed);
}

TEST_F(DoctorPublished, DeltasAndCompleteCrlsHavePlacesOfTheirOwn) {
    EXPECT_EQ(judge(CrlKind::kDelta).outcome, Outcome::kFailed);
    contents.base_number = 3;
    EXPECT_EQ(judge(CrlKind::kDelta).outcome, Outcome::kOk);
    EXPECT_EQ(judge(CrlKind::kComplete).outcome, Outcome::kFailed);
}

TEST_F(DoctorPublished, AnotherCertificateOfTheCasKeyIsAWarning) {
    EXPECT_EQ(judge_published_ca(pki.ca.der(), pki.ca).outcome, Outcome::kOk);
    const auto renewed = st::make_certificate({.subject = "CN=CA", .ca = true, .usage = {}},
                                              st::ca_key().public_key(), "CN=Root", st::root_key());
    EXPECT_EQ(judge_published_ca(renewed.der(), pki.ca).outcome, Outcome::kWarning);
    EXPECT_EQ(judge_published_ca(pki.root.der(), pki.ca).outcome, Outcome::kFailed);
    EXPECT_EQ(judge_published_ca(as_bytes(pki.ca.pem()), pki.ca).outcome, Outcome::kFailed);
    EXPECT_EQ(judge_published_ca({}, pki.ca).outcome, Outcome::kFailed);
}

TEST_F(DoctorPublished, WhatIsNoOcspResponseIsNotReadAsOne) {
    const auto question = OcspQuestion::about_nothing(pki.ca).value();
    EXPECT_EQ(question.judge({}).outcome, Outcome::kFailed);
    EXPECT_EQ(question.judge(question.der()).outcome, Outcome::kFailed);
    const Bytes try_later{0x30, 0x03, 0x0A, 0x01, 0x03};
    EXPECT_NE(question.judge(try_later).came.find("trylater"), std::string::npos);
    const Bytes successful_without_answer{0x30, 0x03, 0x0A, 0x01, 0x00};
    EXPECT_EQ(question.judge(successful_without_answer).outcome, Outcome::kFailed);
}

}  // namespace
}  // namespace scepgate::server::doctor::this_file
