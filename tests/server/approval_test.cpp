#include "server/approval.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using Events = std::vector<std::string>;
using Verdict = ca_backend::Decision::Verdict;

class ApprovalTest : public ::testing::Test {
protected:
    ApprovalTest() {
        lab.endpoint.approvals[static_cast<std::size_t>(certs::Purpose::kGeneralPurpose)] = {
            true, 7 * kDay};
        lab.module->redemption = Redemption{"fake", Bytes(16, 5), kNow + kDay};
    }

    ServiceLab lab;
    scep::ClientRequest request = lab.request();
};

TEST_F(ApprovalTest, T01_ARequestWaitsForTheOperatorAndIsIssuedAtTheNextPoll) {
    const Asked first = lab.ask(request);
    EXPECT_EQ(first.outcome(), "pending");
    EXPECT_EQ(first.record.template_name, "general");
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "pending");
    EXPECT_EQ(lab.issued(), 0U);
    lab.decide(Verdict::kApprove);
    const Asked asked = lab.ask(lab.poll(request));
    ASSERT_EQ(asked.outcome(), "success") << asked.record.reason;
    EXPECT_EQ(asked.cert->certificate.subject_text(), "CN=device");
    EXPECT_EQ(lab.issued(), 1U);
    EXPECT_EQ(lab.module->verified, 1) << "the Grant was kept";
    EXPECT_EQ(lab.module->issued.size(), 1U);
    EXPECT_EQ(lab.audit_events(), (Events{"pending", "sign", "issue"}));
    EXPECT_NE(lab.audit().back().find(to_hex(Bytes(16, 5))), std::string::npos)
        << "the challenge that was used up";
}

TEST_F(ApprovalTest, T06_APollAfterALostReplyGetsTheSameCertificate) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    const auto first = lab.ask(lab.poll(request)).cert->certificate;
    EXPECT_EQ(lab.ask(lab.poll(request)).cert->certificate, first);
    EXPECT_EQ(lab.ask(request).cert->certificate, first) << "so does the request sent again";
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(ApprovalTest, T04_ItSurvivesARestart) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.restart();
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    lab.restart();
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
}

TEST_F(ApprovalTest, TheRequestSentAgainIsAPoll) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    // certmonger signs it anew, with a fresh transient certificate of the same key.
    auto fresh = request;
    fresh.signer = lab.request().signer;
    ASSERT_NE(fresh.signer, request.signer);
    EXPECT_EQ(lab.ask(fresh).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    EXPECT_EQ(lab.ask(fresh).outcome(), "success");
    EXPECT_EQ(lab.module->verified, 1);
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(ApprovalTest, T02_APollOfAnotherKeyLearnsNothing) {
    auto nothing = lab.poll(lab.request(1));
    const Asked before = lab.ask(nothing);
    EXPECT_EQ(before.record.code, "PollUnknown");
    EXPECT_EQ(before.outcome(), "badCertId");
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    const Asked after = lab.ask(nothing);
    EXPECT_EQ(after.outcome(), "badCertId");
    EXPECT_EQ(after.record.reason, before.record.reason);
    EXPECT_EQ(lab.issued(), 0U) << "nor does it set anything off";
}

TEST_F(ApprovalTest, C09_TheNamesInAPollDoNotMatter) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    auto poll = lab.poll(request);
    poll.content = scep::encode_issuer_and_subject(certs::Name::from_text("CN=Root").value(),
                                                   certs::Name::from_text("CN=else").value());
    EXPECT_EQ(lab.ask(poll).outcome(), "pending");
}

TEST_F(ApprovalTest, ARejectedRequestIsRefusedForGoodAndTheModuleHearsOfItOnce) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kReject);
    const Asked asked = lab.ask(lab.poll(request));
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "ApprovalRejected");
    EXPECT_NE(asked.record.reason.find("olga"), std::string::npos);
    EXPECT_EQ(lab.ask(request).record.code, "ApprovalRejected");
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"ApprovalRejected"});
    EXPECT_EQ(lab.issued(), 0U);
}

TEST_F(ApprovalTest, TheModuleHearsOnceOfWhatAParallelAttemptCameTo) {
    lab.module->redemption.reset();
    for (const auto& [verdict, notifies, code] :
         {std::tuple(Verdict::kReject, FakeModule::Behaviour::kGrant, "ApprovalRejected"),
          std::tuple(Verdict::kApprove, FakeModule::Behaviour::kDeny, "NotificationRefused")}) {
        const auto asked = lab.request(verdict == Verdict::kReject ? 0 : 1);
        lab.module->notifies = notifies;
        lab.module->told = 0;
        bool first = true;
        lab.module->meanwhile = [&, decision = verdict] {
            if (!std::exchange(first, false)) return;
            EXPECT_EQ(lab.ask(asked).outcome(), "pending");
            lab.decide(decision);
        };
        EXPECT_EQ(lab.ask(asked).record.code, code);
        EXPECT_EQ(lab.module->told, 1) << code;
    }
}

TEST_F(ApprovalTest, ARequestThatNobodyDecidedExpires) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.clock->set(kNow + 7 * kDay + 1);
    EXPECT_EQ(lab.ask(lab.poll(request)).record.code, "ApprovalExpired");
    EXPECT_EQ(lab.issued(), 0U);
}

TEST_F(ApprovalTest, AnExpiredRequestSentAgainIsJudgedAndWaitsAnew) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.clock->set(kNow + 7 * kDay + 1);
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    EXPECT_EQ(lab.module->verified, 2) << "policy may think otherwise by now";
    EXPECT_EQ(lab.ask(lab.request(1), 1).record.code, "ChallengeAlreadyRedeemed")
        << "the challenge is its own again, nobody else's";
    lab.decide(Verdict::kApprove);
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(ApprovalTest, C01_AnExpiredRequestThatIsGrantedForAnotherChallengeUsesThatUp) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.clock->set(kNow + 7 * kDay + 1);
    lab.endpoint.approvals = {};
    lab.module->redemption = Redemption{"fake", Bytes(16, 6), kNow + 30 * kDay};
    EXPECT_EQ(lab.ask(request).outcome(), "success");
    EXPECT_EQ(lab.ask(lab.request(1), 1).record.code, "ChallengeAlreadyRedeemed");
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(ApprovalTest, AnApprovalJustInTimeLeavesTheDeviceTimeToComeBack) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.clock->set(kNow + 7 * kDay - 1);
    lab.decide(Verdict::kApprove);
    lab.clock->set(kNow + 10 * kDay);
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
}

TEST_F(ApprovalTest, AnApprovalThatTheDeviceMissedIsNotCalledUndecided) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    lab.clock->set(kNow + 8 * kDay);
    const Asked late = lab.ask(lab.poll(request));
    EXPECT_EQ(late.record.code, "ApprovalExpired");
    EXPECT_NE(late.record.reason.find("olga"), std::string::npos) << late.record.reason;
}

TEST_F(ApprovalTest, T07_ARequestSignedAnewGetsTheCertificateAgainOnlyWhileItIsGood) {
    lab.module->redemption.reset();
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    const auto issued = lab.ask(lab.poll(request)).cert->certificate;
    auto fresh = request;
    fresh.signer = lab.request().signer;
    EXPECT_EQ(lab.ask(fresh).cert->certificate, issued) << "the reply was lost";
    lab.revoke(issued);
    EXPECT_EQ(lab.ask(fresh).outcome(), "pending");
    EXPECT_EQ(lab.module->verified, 2);
}

TEST_F(ApprovalTest, T12_ARenewalUnderTheSameIdWithTheSameKeyIsNoRetry) {
    lab.endpoint.renewal = policy::RenewalSettings();
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    const auto old = lab.ask(lab.poll(request)).cert->certificate;
    auto renewal = request;  // the same transactionID and CSR
    renewal.signer = old;
    EXPECT_EQ(lab.ask(renewal).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    EXPECT_NE(lab.ask(lab.poll(renewal)).cert->certificate, old);
    EXPECT_EQ(lab.issued(), 2U);
}

TEST_F(ApprovalTest, C01_TheChallengeIsUsedUpWhileTheRequestWaits) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    EXPECT_EQ(lab.ask(lab.request(1), 1).record.code, "ChallengeAlreadyRedeemed");
}

TEST_F(ApprovalTest, T01_AnotherRequestOfTheKeyUnderTheSameIdDoesNotReplaceTheFirst) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    auto other = request;
    certs::CsrContents contents;
    contents.subject = certs::Name::from_text("CN=admin").value();
    other.content = certs::build_csr(contents, device_key()).value();
    lab.module->redemption.reset();
    EXPECT_EQ(lab.ask(other).record.code, "TransactionIdTaken");
    lab.decide(Verdict::kApprove);
    EXPECT_EQ(lab.ask(lab.poll(request)).cert->certificate.subject_text(), "CN=device");
}

TEST_F(ApprovalTest, T05_NoMoreWaitThanMay) {
    lab.endpoint.maximum_pending = 1;
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.module->redemption.reset();
    const Asked second = lab.ask(lab.request(1), 1);
    EXPECT_EQ(second.outcome(), "503");
    EXPECT_EQ(second.record.code, "TooManyPending");
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"TooManyPending"});
}

TEST_F(ApprovalTest, T06_ParallelPollsOfAnApprovedRequestGiveOneCertificate) {
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    const auto all = lab.ask_together(std::vector(6, lab.poll(request)));
    for (const Asked& each : all) {
        ASSERT_EQ(each.outcome(), "success") << each.record.reason;
        EXPECT_EQ(each.cert->certificate, all.front().cert->certificate);
    }
    EXPECT_EQ(lab.issued(), 1U);
}

TEST_F(ApprovalTest, AGrantCanAskForApprovalByItself) {
    lab.endpoint.approvals = {};
    lab.module->verifies = FakeModule::Behaviour::kGrantAfterApproval;
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
}

TEST_F(ApprovalTest, NothingIsPromisedThatIsNotRecordedAndAudited) {
    lab.store->writes_fail = true;
    EXPECT_EQ(lab.ask(request).outcome(), "503");
    lab.store->writes_fail = false;
    lab.audit_is_full = true;
    lab.restart();
    EXPECT_EQ(lab.ask(request).outcome(), "503");
    EXPECT_TRUE(lab.store->list_pending({.now = kNow}).value().empty());
}

TEST_F(ApprovalTest, APollForWhatWasIssuedAtOnceGetsIt) {
    lab.endpoint.approvals = {};
    const auto issued = lab.ask(request).cert->certificate;
    EXPECT_EQ(lab.ask(lab.poll(request)).cert->certificate, issued);
}

TEST_F(ApprovalTest, APollDoesNotDeliverWhatTheModuleWasNotToldOf) {
    lab.endpoint.approvals = {};
    lab.module->notifies = FakeModule::Behaviour::kRefuse;
    EXPECT_EQ(lab.ask(request).outcome(), "503");
    EXPECT_EQ(lab.ask(lab.poll(request)).record.code, "NotificationFailed");
}

TEST_F(ApprovalTest, AnExpiredRequestSignedAnewIsJudgedAndWaitsAnew) {
    lab.module->redemption.reset();
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.clock->set(kNow + 7 * kDay + 1);
    auto fresh = request;
    fresh.signer = lab.request().signer;
    EXPECT_EQ(lab.ask(fresh).outcome(), "pending");
    EXPECT_EQ(lab.module->verified, 2);
}

// Where nothing is renewed, its own certificate is a signer like any other.
TEST_F(ApprovalTest, R_T07_ARequestSignedByItsOwnCertificateIsNoRetry) {
    lab.module->redemption.reset();
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    auto again = request;
    again.signer = lab.ask(lab.poll(request)).cert->certificate;
    EXPECT_EQ(lab.ask(again).outcome(), "pending");
    EXPECT_EQ(lab.module->verified, 2);
}

// One of them needed no challenge.
TEST_F(ApprovalTest, R_T12_ARenewalThatWaitsIsNoAnswerToAPkcsReq) {
    lab.endpoint.renewal = policy::RenewalSettings();
    lab.endpoint.renewal->same_key = true;
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    auto renewal = lab.renewal(lab.ask(lab.poll(request)).cert->certificate, 0, 0);
    EXPECT_EQ(lab.ask(renewal).outcome(), "pending");
    auto initial = renewal;
    initial.type = scep::MessageType::kPkcsReq;
    initial.signer = lab.request().signer;
    lab.module->verifies = FakeModule::Behaviour::kRefuse;
    EXPECT_EQ(lab.ask(initial).record.code, "FakeRefusal");
}

// The challenge is used up in the write, whatever was seen before it.
TEST_F(ApprovalTest, R_T09_C01_RequestsThatComeTogetherDoNotWaitWithOneChallenge) {
    std::vector<scep::ClientRequest> together(6, request);
    for (std::size_t i = 0; i < together.size(); ++i)
        together[i].transaction_id = "together-" + std::to_string(i);
    const auto all = lab.ask_together(together);
    EXPECT_EQ(std::count_if(all.begin(), all.end(),
                            [](const Asked& each) { return each.outcome() == "pending"; }),
              1);
    EXPECT_EQ(lab.store->list_pending({.now = kNow}).value().size(), 1U);
}

TEST_F(ApprovalTest, ASwitchTurnedOffMeanwhileDoesNotUndoWhatWasTaken) {
    certs::CsrContents contents;
    contents.subject = certs::Name::from_text("CN=device").value();
    request.content = certs::build_csr(contents, device_key(), certs::Digest::kSha1).value();
    lab.endpoint.rules.sha1 = true;
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    lab.endpoint.rules.sha1 = false;
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
}

// Whoever signs may write any issuer and serial number into a certificate of their own.
TEST_F(ApprovalTest, T08_ALookAlikeOfARevokedCertificateIsNotTakenForIt) {
    lab.endpoint.renewal = policy::RenewalSettings();
    lab.endpoint.approvals = {};
    const auto revoked = lab.ask(lab.request(1), 1).cert->certificate;
    lab.revoke(revoked);
    lab.endpoint.approvals.fill({true, 7 * kDay});
    lab.module->redemption.reset();
    certs::CertificateContents contents;
    contents.serial = to_bytes(revoked.serial());
    contents.issuer_der = to_bytes(revoked.issuer_der());
    contents.subject_der = to_bytes(revoked.subject_der());
    contents.not_before = kNow - kDay;
    contents.not_after = kNow + kDay;
    contents.spki = to_bytes(device_key().public_key().spki());
    request.signer =
        certs::build_certificate(contents, device_key(), certs::Digest::kSha256).value();
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(Verdict::kApprove);
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
}

// Not when an operator has approved it: by then the device's challenge is gone.
TEST_F(ApprovalTest, AGrantThatCannotBeKeptIsRefusedAtOnce) {
    const std::string part(4'000, 'a');
    certs::CsrContents contents;
    contents.subject =
        certs::Name::from_text("CN=device,O=" + part + ",OU=" + part + ",L=" + part + ",ST=" + part)
            .value();
    request.content = certs::build_csr(contents, device_key()).value();
    const Asked asked = lab.ask(request);
    EXPECT_EQ(asked.record.code, "GrantTooLong");
    EXPECT_FALSE(lab.store->is_redeemed(*lab.module->redemption).value());
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
