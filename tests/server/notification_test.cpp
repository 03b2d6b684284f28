// What policy modules hear, and what becomes of what they do not accept.
#include <gtest/gtest.h>

#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using Behaviour = FakeModule::Behaviour;
using Events = std::vector<std::string>;

bool has(const std::string& line, std::string_view text) {
    return line.find(text) != std::string::npos;
}

TEST(NotificationTest, ARefusalIsAuditedAndToldToTheModule) {
    ServiceLab lab;
    lab.module->verifies = Behaviour::kRefuse;
    const Asked asked = lab.ask(lab.request());
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_TRUE(asked.record.refused);
    EXPECT_TRUE(asked.reply.failed_since) << "it leaves on a tick";
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"FakeRefusal"});
    ASSERT_EQ(lab.audit_events(), Events{"refuse"});
    EXPECT_TRUE(has(lab.audit().front(), "\"subject\":\"CN=device\""));
    EXPECT_TRUE(has(lab.audit().front(), "\"subject_alt_name\":\"dns:device.example\""));
}

TEST(NotificationTest, AModuleThatCannotHearOfARefusalDoesNotChangeIt) {
    ServiceLab lab;
    lab.module->verifies = Behaviour::kRefuse;
    lab.module->notifies = Behaviour::kThrow;
    EXPECT_EQ(lab.ask(lab.request()).outcome(), "badRequest");
}

TEST(NotificationTest, ARefusalOfTheCaIsToldToTheModule) {
    ServiceLab lab;
    lab.endpoint.templates = {"", "", "other"};
    const Asked asked = lab.ask(lab.request());
    EXPECT_EQ(asked.record.code, "TemplateUnknown");
    EXPECT_EQ(asked.record.ca_result, "refused");
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"TemplateUnknown"});
}

TEST(NotificationTest, ARequestThatNeverReachedTheModuleIsNotToldToIt) {
    ServiceLab lab;
    auto request = lab.request();
    request.content[request.content.size() - 1] ^= 1;
    EXPECT_EQ(lab.ask(request).outcome(), "badMessageCheck");
    EXPECT_EQ(lab.module->verified, 0);
    EXPECT_TRUE(lab.module->refused.empty());
}

TEST(NotificationTest, ARetryAfterAFailedNotificationNotifiesAgainBeforeDelivery) {
    ServiceLab lab;
    const auto request = lab.request();
    lab.module->notifies = Behaviour::kRefuse;
    EXPECT_EQ(lab.ask(request).record.code, "NotificationFailed");
    EXPECT_EQ(lab.ask(request).record.code, "NotificationFailed") << "as often as it takes";
    EXPECT_EQ(lab.issued(), 1U);
    lab.module->notifies = Behaviour::kGrant;
    const Asked last = lab.ask(request);
    ASSERT_EQ(last.outcome(), "success");
    EXPECT_EQ(lab.module->issued, std::vector<std::string>{last.cert->certificate.serial_hex()});
    EXPECT_TRUE(lab.module->refused.empty()) << "a recorded certificate was never refused";
    EXPECT_EQ(lab.module->verified, 1);
    EXPECT_EQ(lab.ask(request).outcome(), "success");
    EXPECT_EQ(lab.module->issued.size(), 1U);
}

TEST(NotificationTest, RevokesAndNeverReleasesWhatPolicyDoesNotAcceptWhenItIsTold) {
    ServiceLab lab;
    const auto request = lab.request();
    lab.module->notifies = Behaviour::kDeny;
    const Asked asked = lab.ask(request);
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "NotificationRefused");
    EXPECT_NE(asked.record.reason.find("not wanted any more"), std::string::npos);
    EXPECT_EQ(lab.audit_events(), (std::vector<std::string>{"sign", "revoke", "refuse"}));
    const auto rows = lab.store->list({}).value().rows;
    ASSERT_EQ(rows.size(), 1U);
    ASSERT_TRUE(rows.front().revocation);
    EXPECT_EQ(rows.front().revocation->reason, certs::RevocationReason::kPrivilegeWithdrawn);
    // What it becomes when it comes again is for policy to say, not for the store.
    lab.module->verifies = Behaviour::kRefuse;
    EXPECT_EQ(lab.ask(request).record.code, "FakeRefusal");
}

TEST(NotificationTest, TellsTheModuleWhoGrantedIt) {
    ServiceLab lab;
    const auto request = lab.request();
    EXPECT_EQ(lab.ask(request).outcome(), "success");
    EXPECT_EQ(lab.module->granted_by, "fake");
    lab.module->verifies = Behaviour::kRefuse;
    EXPECT_EQ(lab.ask(lab.request(1), 1).record.code, "FakeRefusal");
    EXPECT_EQ(lab.module->granted_by, "");
    lab.module->verifies = Behaviour::kGrant;
    lab.module->redemption = Redemption{"fake", Bytes(16, 1), kNow + kDay};
    EXPECT_EQ(lab.ask(lab.request(1), 1).outcome(), "success");
    lab.module->granted_by.clear();
    EXPECT_EQ(lab.ask(lab.request(0), 0).record.code, "ChallengeAlreadyRedeemed");
    EXPECT_EQ(lab.module->granted_by, "fake") << "granted, and then refused";
}

TEST(NotificationTest, AnAnswerThatCannotBeMarkedAsToldIsToldAgain) {
    ServiceLab lab;
    const auto request = lab.request();
    lab.store->marks_fail = true;
    EXPECT_EQ(lab.ask(request).outcome(), "success");
    lab.store->marks_fail = false;
    EXPECT_EQ(lab.ask(request).outcome(), "success");
    EXPECT_EQ(lab.module->issued.size(), 2U);
}

TEST(NotificationTest, AModuleThatCouldNotDecideIsToldNothing) {
    ServiceLab lab;
    lab.module->verifies = Behaviour::kThrow;
    EXPECT_EQ(lab.ask(lab.request()).outcome(), "503");
    EXPECT_TRUE(lab.module->refused.empty());
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
