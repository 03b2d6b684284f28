#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "tests/server/support/renewal_fixture.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using policy::RenewalChallenge;

TEST_F(RenewalServiceTest, T11_ACertificateOfOursIsEnoughForANewOneWithANewKey) {
    EXPECT_EQ(renew(), "Success");
    EXPECT_EQ(renewed.subject_text(), old.subject_text());
    EXPECT_EQ(lab.module->verified, 0) << "nobody was asked for a challenge";
    EXPECT_NE(lab.audit().back().find("\"policy\":\"renewal\""), std::string::npos);
    EXPECT_NE(lab.audit().back().find("\"device_id\":\"device-7\",\"user_id\":\"user-7\""),
              std::string::npos);
}

TEST_F(RenewalServiceTest, T12_APkcsReqByACertificateOfOursIsARenewal) {
    auto request = lab.renewal(old, 0, 1);
    request.type = scep::MessageType::kPkcsReq;
    EXPECT_EQ(lab.ask(request, 1).record.code, "Success");
    EXPECT_EQ(lab.module->verified, 0);
}

TEST_F(RenewalServiceTest, A_K03_ToAKeyOfTheServersNothingIsRenewed) {
    auto own = std::make_shared<OwnKeys>();
    own->add(device_key(1).public_key());
    lab.endpoint.own_keys = own;
    EXPECT_EQ(renew(1), "KeyIsServers");
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(RenewalServiceTest, WithoutTheSettingNoCertificateReplacesAChallenge) {
    lab.endpoint.renewal.reset();
    EXPECT_EQ(renew(), "RenewalSignerUnknown");
    auto request = lab.renewal(old, 0, 1);
    request.type = scep::MessageType::kPkcsReq;
    EXPECT_EQ(lab.ask(request, 1).record.code, "SignerKeyMismatch");
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(RenewalServiceTest, G02_ARevokedCertificateRenewsNothing) {
    lab.revoke(old);
    EXPECT_EQ(renew(), "RenewalSignerRevoked");
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(RenewalServiceTest, G02_ACertificateThatTheStoreDoesNotKnowRenewsNothing) {
    // By the CA's key, but not by this service: a stolen backup, or another program on this CA.
    const auto request = lab.renewal(lab.certificates.signing, 0, 1);
    EXPECT_EQ(lab.ask(request, 1).outcome(), "badMessageCheck") << "not even its key";
    ServiceLab other;  // the same CA key and name
    other.endpoint.renewal = policy::RenewalSettings();
    EXPECT_EQ(other.ask(other.renewal(old, 0, 1), 1).record.code, "RenewalSignerUnknown");
}

TEST_F(RenewalServiceTest, TheStoreDownIsNoReasonToTrust) {
    lab.store->reads_fail = true;
    EXPECT_EQ(renew(), "StoreUnavailable");
}

TEST_F(RenewalServiceTest, G06_AChallengeIsAskedForWhereItIsRequired) {
    lab.endpoint.renewal->challenge = RenewalChallenge::kRequired;
    lab.module->verifies = FakeModule::Behaviour::kRefuse;
    EXPECT_EQ(renew(), "FakeRefusal");
    EXPECT_EQ(lab.module->verified, 1);
    lab.revoke(old);
    EXPECT_EQ(renew(), "RenewalSignerRevoked");
    EXPECT_EQ(lab.module->verified, 1) << "the rule comes first";
}

// The CSR of another device with its challenge, sniffed in its envelope and signed anew.
TEST_F(RenewalServiceTest, A_E09_ARenewalDoesNotUseUpTheChallengeOfAnother) {
    lab.endpoint.renewal->challenge = RenewalChallenge::kRequired;
    certs::CsrContents victim;
    victim.subject = certs::Name::from_text("CN=victim").value();
    victim.challenge = "challenge";
    auto request = lab.renewal(old, 0, 1);
    request.content = certs::build_csr(victim, device_key(1)).value();
    EXPECT_EQ(lab.ask(request, 1).record.code, "RenewalSubjectMismatch");
    EXPECT_EQ(lab.module->verified, 0);
}

TEST_F(RenewalServiceTest, G06_AChallengeThatIsThereIsVerifiedWhereThatIsTheRule) {
    lab.endpoint.renewal->challenge = RenewalChallenge::kVerifiedIfPresent;
    lab.module->verifies = FakeModule::Behaviour::kRefuse;
    EXPECT_EQ(renew(), "FakeRefusal");
    lab.module->verifies = FakeModule::Behaviour::kGrant;
    EXPECT_EQ(renew(), "Success");
}

TEST_F(RenewalServiceTest, G02_ACertificateRevokedWhileItsRenewalIsJudgedRenewsNothing) {
    lab.endpoint.renewal->challenge = RenewalChallenge::kRequired;
    lab.module->meanwhile = [this] { lab.revoke(old); };
    EXPECT_EQ(renew(), "RenewalSignerRevoked");
    EXPECT_EQ(lab.issued(), 1U);
}

class RenewalOnceTest : public RenewalServiceTest,
                        public ::testing::WithParamInterface<RenewalChallenge> {};

INSTANTIATE_TEST_SUITE_P(Rules, RenewalOnceTest,
                         ::testing::Values(RenewalChallenge::kIgnored,
                                           RenewalChallenge::kRequired));

TEST_P(RenewalOnceTest, G05_OnlyTheNewestRenewsAndOnlyOnce) {
    lab.endpoint.renewal->newest_only = true;
    lab.endpoint.renewal->challenge = GetParam();
    lab.module->redemption.reset();
    std::vector<scep::ClientRequest> storm;
    for (int i = 0; i < 6; ++i) {
        storm.push_back(lab.renewal(old, 0, 0));
        storm.back().transaction_id = "storm-" + std::to_string(i);
    }
    const auto all = lab.ask_together(storm);
    const auto taken = std::count_if(all.begin(), all.end(),
                                     [](const Asked& each) { return each.outcome() == "success"; });
    EXPECT_EQ(taken, 1);
    EXPECT_EQ(lab.issued(), 2U);
    EXPECT_EQ(renew(), "RenewalSuperseded");
}

TEST_F(RenewalServiceTest, G05_ARenewalThatNobodyDecidedLeavesTheCertificateRenewable) {
    lab.endpoint.renewal->newest_only = true;
    lab.endpoint.approvals.fill({true, kDay});
    EXPECT_EQ(lab.ask(lab.renewal(old, 0, 1), 1).outcome(), "pending");
    lab.clock->set(kNow + 2 * kDay);
    lab.endpoint.approvals.fill({});
    auto other = lab.renewal(old, 0, 0);
    other.transaction_id = "other";
    EXPECT_EQ(lab.ask(other, 0).outcome(), "success");
}

TEST_F(RenewalServiceTest, G07_ARetriedRenewalGetsTheSameCertificate) {
    const auto request = lab.renewal(old, 0, 1);
    const auto first = lab.ask(request, 1).cert->certificate;
    EXPECT_EQ(lab.ask(request, 1).cert->certificate, first);
    EXPECT_EQ(lab.issued(), 2U);
}

// It needs no challenge, and its CSR's key may be the stolen one.
TEST_F(RenewalServiceTest, G07_ARecordedRenewalSentOnceMoreGivesNothingAfterItsCertificate) {
    const auto request = lab.renewal(old, 0, 1);
    const auto renewed_once = lab.ask(request, 1).cert->certificate;
    lab.revoke(renewed_once);
    for (int times = 0; times < 2; ++times) {
        const Asked replayed = lab.ask(request, 1);
        EXPECT_EQ(replayed.outcome(), "badRequest");
        EXPECT_EQ(replayed.record.code, "RequestOver");
    }
    EXPECT_EQ(lab.issued(), 2U);
}

TEST_F(RenewalServiceTest, G05_OneRenewalOfACertificateWaitsAtATime) {
    lab.endpoint.renewal->newest_only = true;
    lab.endpoint.approvals.fill({true, 7 * kDay});
    EXPECT_EQ(lab.ask(lab.renewal(old, 0, 1), 1).outcome(), "pending");
    auto second = lab.renewal(old, 0, 0);
    second.transaction_id = "second";
    EXPECT_EQ(lab.ask(second, 0).record.code, "RenewalWaits");
    EXPECT_EQ(lab.ask(lab.renewal(old, 0, 1), 1).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kReject);
    EXPECT_EQ(lab.ask(second, 0).outcome(), "pending");
}

TEST_F(RenewalServiceTest, ARenewalWaitsForApprovalLikeARequest) {
    lab.endpoint.approvals.fill({true, 7 * kDay});
    const auto request = lab.renewal(old, 0, 1);
    EXPECT_EQ(lab.ask(request, 1).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    EXPECT_EQ(lab.ask(lab.poll(request), 1).outcome(), "success");
}

TEST_F(RenewalServiceTest, G02_ACertificateRevokedWhileItsRenewalWaitsRenewsNothing) {
    lab.endpoint.approvals.fill({true, 7 * kDay});
    const auto request = lab.renewal(old, 0, 1);
    EXPECT_EQ(lab.ask(request, 1).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    lab.revoke(old);
    for (const auto& again : {lab.poll(request), request}) {
        const Asked asked = lab.ask(again, 1);
        EXPECT_EQ(asked.outcome(), "badRequest");
        EXPECT_EQ(asked.record.code, "RenewalSignerRevoked");
    }
    EXPECT_EQ(lab.issued(), 1U);
    const auto events = lab.audit_events();
    EXPECT_EQ(std::count(events.begin(), events.end(), "sign"), 1) << "the old one's";
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"RenewalSignerRevoked"})
        << "it hears of it once";
}

TEST_F(RenewalServiceTest, G02_ACertificateOnHoldRenewsNothingMeanwhile) {
    lab.endpoint.approvals.fill({true, 7 * kDay});
    const auto request = lab.renewal(old, 0, 1);
    EXPECT_EQ(lab.ask(request, 1).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    lab.revoke(old, certs::RevocationReason::kCertificateHold);
    for (const auto& again : {lab.poll(request), request})
        EXPECT_EQ(lab.ask(again, 1).record.code, "RenewalSignerRevoked");
    lab.revoke(old, certs::RevocationReason::kRemoveFromCrl);
    EXPECT_EQ(lab.ask(lab.poll(request), 1).outcome(), "success");
}

TEST_F(RenewalServiceTest, G02_ACertificateRevokedWhileItsRenewalIsJudgedLetsNothingWait) {
    lab.endpoint.approvals.fill({true, 7 * kDay});
    lab.endpoint.renewal->challenge = RenewalChallenge::kRequired;
    lab.module->meanwhile = [this] { lab.revoke(old); };
    EXPECT_EQ(renew(), "RenewalSignerRevoked");
    EXPECT_TRUE(lab.store->list_pending({.now = kNow}).value().empty());
}

// As a PKCSReq a renewal is told from a first request by its signer alone.
class WaitingRenewalTest : public RenewalServiceTest {
protected:
    WaitingRenewalTest() {
        lab.endpoint.approvals.fill({true, 7 * kDay});
        waiting = lab.renewal(old, 0, 0);
        waiting.type = scep::MessageType::kPkcsReq;
        EXPECT_EQ(lab.ask(waiting).outcome(), "pending");
        by_nobody = waiting;
        by_nobody.signer = lab.request().signer;
        lab.module->verifies = FakeModule::Behaviour::kRefuse;
    }

    scep::ClientRequest waiting;
    scep::ClientRequest by_nobody;  ///< the same CSR and id under a fresh certificate of the key
};

TEST_F(WaitingRenewalTest, G02_NoOtherSignerOfItsKeyGetsItOnceItsCertificateIsRevoked) {
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    lab.revoke(old);
    EXPECT_EQ(lab.ask(by_nobody).record.code, "FakeRefusal") << "judged by its own challenge";
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(WaitingRenewalTest, T12_APkcsReqThatRenewsNothingIsJudgedByItsChallenge) {
    EXPECT_EQ(lab.ask(by_nobody).record.code, "FakeRefusal");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    EXPECT_EQ(lab.ask(by_nobody).record.code, "FakeRefusal");
    const auto issued = lab.ask(lab.poll(waiting)).cert->certificate;
    EXPECT_EQ(lab.ask(by_nobody).record.code, "FakeRefusal");
    EXPECT_EQ(lab.ask(waiting).cert->certificate, issued) << "its own retry";
}

// Where nothing is renewed any more, its signer is one like any other.
TEST_F(WaitingRenewalTest, G02_ItsCertificateCountsAlsoWhenTheSettingIsGone) {
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    lab.endpoint.renewal.reset();
    lab.revoke(old);
    EXPECT_EQ(lab.ask(by_nobody).record.code, "FakeRefusal");
    EXPECT_EQ(lab.ask(waiting).record.code, "RenewalSignerRevoked");
    EXPECT_EQ(lab.issued(), 1U);
}

// Of a CA that previous_cas does not name any more.
TEST_F(WaitingRenewalTest, G02_ItsCertificateCountsAlsoWhenItsCaIsGone) {
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    lab.succeed();
    lab.endpoint.issuers.pop_back();
    for (auto* each : {&waiting, &by_nobody})
        each->recipient = lab.certificates.encryption;
    EXPECT_EQ(lab.ask(by_nobody).record.code, "FakeRefusal");
    lab.revoke(old);
    EXPECT_EQ(lab.ask(lab.poll(waiting)).record.code, "RenewalSignerRevoked");
}

// They use nothing up: one certificate would fill the list.
TEST_F(RenewalServiceTest, T05_OneRenewalOfACertificateWaitsAlsoWhereNotOnlyTheNewestCounts) {
    auto first = lab.request(1);
    first.transaction_id = "first";
    const auto others = lab.ask(first, 1).cert->certificate;
    lab.endpoint.approvals.fill({true, 7 * kDay});
    lab.endpoint.maximum_pending = 2;
    EXPECT_EQ(lab.ask(lab.renewal(old, 0, 1), 1).outcome(), "pending");
    auto second = lab.renewal(old, 0, 1);
    second.transaction_id = "second";
    EXPECT_EQ(lab.ask(second, 1).record.code, "RenewalWaits");
    EXPECT_EQ(lab.ask(lab.renewal(others, 1, 1), 1).outcome(), "pending");
}

TEST_F(RenewalServiceTest, T05_ARevocationMakesRoomForOthers) {
    lab.endpoint.approvals.fill({true, 7 * kDay});
    lab.endpoint.maximum_pending = 1;
    const auto waits = lab.renewal(old, 0, 1);
    EXPECT_EQ(lab.ask(waits, 1).outcome(), "pending");
    auto other = lab.request(1);
    other.transaction_id = "other";
    EXPECT_EQ(lab.ask(other, 1).record.code, "TooManyPending");
    lab.revoke(old);
    EXPECT_EQ(lab.ask(other, 1).outcome(), "pending");
    const Asked asked = lab.ask(lab.poll(waits), 1);
    EXPECT_EQ(asked.record.code, "RenewalSignerRevoked");
    EXPECT_EQ(asked.outcome(), "badRequest");
}

TEST_F(RenewalServiceTest, R_E17_RequestsOfOneKeyThatRenewNothingWaitTogether) {
    lab.endpoint.renewal->newest_only = true;
    lab.endpoint.approvals.fill({true, 7 * kDay});
    for (const auto* id : {"one", "two"}) {
        auto request = lab.request();
        request.transaction_id = id;
        EXPECT_EQ(lab.ask(request).outcome(), "pending") << id;
    }
}

TEST_F(RenewalServiceTest, G05_ARenewalThatWaitedUsesItsCertificateUpForGood) {
    lab.endpoint.renewal->newest_only = true;
    lab.endpoint.approvals.fill({true, 7 * kDay});
    const auto request = lab.renewal(old, 0, 1);
    EXPECT_EQ(lab.ask(request, 1).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    lab.revoke(lab.ask(lab.poll(request), 1).cert->certificate);
    lab.endpoint.approvals = {};
    auto second = lab.renewal(old, 0, 0);
    second.transaction_id = "second";
    EXPECT_EQ(lab.ask(second, 0).record.code, "RenewalSuperseded");
    EXPECT_EQ(lab.issued(), 2U);
}

// A key can have several certificates: each renewal is judged by the one that signed it.
TEST_F(RenewalServiceTest, G02_ARenewalSignedByAnotherCertificateOfItsKeyIsJudgedAnew) {
    auto another = lab.request();
    another.transaction_id = "another";
    const auto revoked = lab.ask(another).cert->certificate;
    lab.revoke(revoked);
    lab.endpoint.approvals.fill({true, 7 * kDay});
    const auto request = lab.renewal(old, 0, 1);
    EXPECT_EQ(lab.ask(request, 1).outcome(), "pending");
    auto again = request;  // under the same id, with the same CSR
    again.signer = revoked;
    EXPECT_EQ(lab.ask(again, 1).record.code, "RenewalSignerRevoked");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    EXPECT_EQ(lab.ask(lab.poll(request), 1).outcome(), "success");
    EXPECT_EQ(lab.ask(again, 1).record.code, "RenewalSignerRevoked");
}

// By a CA key that is in two places, or after its serial numbers began anew.
TEST_F(RenewalServiceTest, G02_AnotherCertificateWithItsSerialNumberRenewsNothing) {
    certs::CertificateContents contents;
    contents.serial = to_bytes(old.serial());
    contents.issuer_der = to_bytes(old.issuer_der());
    contents.subject_der = to_bytes(old.subject_der());
    contents.not_before = kNow - kDay;
    contents.not_after = kNow + kDay;
    contents.spki = to_bytes(device_key().public_key().spki());
    old = certs::build_certificate(contents, certs::testing::ec_key(), certs::Digest::kSha256)
              .value();
    EXPECT_EQ(renew(), "RenewalSignerUnknown");
}

TEST_F(RenewalServiceTest, R_T11_ARenewalLastsNoLongerThanWhatWasGranted) {
    lab.module->max_validity = 10 * kDay;
    auto request = lab.request();
    request.transaction_id = "short";
    old = lab.ask(request).cert->certificate;
    lab.module->max_validity.reset();
    // The CA's certificate before its own renewal, which ended earlier.
    lab.endpoint.issuers.push_back(same_ca_until(kNow + 5 * kDay));
    EXPECT_EQ(renew(), "Success");
    EXPECT_EQ(renewed.not_after(), kNow + 10 * kDay);
}

// The CA's end limited it, not whoever granted it: the next CA gives the whole validity again.
TEST_F(RenewalServiceTest, R_T11_WhatTheEndOfItsCaCutShortIsRenewedForItsWholeTime) {
    const std::int64_t end = lab.certificates.ca.not_after();
    lab.clock->set(end - 30 * kDay);
    old = enrol("late");
    ASSERT_EQ(old.not_after(), end);
    lab.succeed();
    EXPECT_EQ(renew(), "Success");
    EXPECT_EQ(renewed.not_after(), lab.clock->now() + 365 * kDay);
}

TEST_F(RenewalServiceTest, R_T11_SoItIsAfterItsCaWasRenewedUnderItsName) {
    const std::int64_t end = lab.certificates.ca.not_after();
    lab.clock->set(end - 30 * kDay);
    old = enrol("late");
    ASSERT_EQ(old.not_after(), end);
    lab.endpoint.issuers.push_back(same_ca_until(end + 7300 * kDay));
    lab.succeed();
    EXPECT_EQ(renew(), "Success");
    EXPECT_EQ(renewed.not_after(), lab.clock->now() + 365 * kDay);
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
