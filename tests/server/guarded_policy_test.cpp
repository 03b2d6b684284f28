#include "server/guarded_policy.hpp"

#include <gtest/gtest.h>

#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using Behaviour = FakeModule::Behaviour;

constexpr std::chrono::milliseconds kSoon{20};

TEST(GuardedPolicyTest, C15_AModuleThatThrowsHasRefusedForNow) {
    for (const Behaviour behaviour : {Behaviour::kThrow, Behaviour::kThrowNoException}) {
        ServiceLab lab;
        lab.module->verifies = behaviour;
        const Asked asked = lab.ask(lab.request());
        EXPECT_EQ(asked.outcome(), "503");
        EXPECT_EQ(asked.record.code, "PolicyFailed");
        ASSERT_EQ(lab.audit_events(), std::vector<std::string>{"refuse"});
        EXPECT_NE(lab.audit().front().find("PolicyFailed"), std::string::npos);
        EXPECT_EQ(lab.issued(), 0U);
    }
}

TEST(GuardedPolicyTest, C15_AModuleThatTakesTooLongHasRefusedForNow) {
    ServiceLab lab(PolicyLimits{.time = kSoon});
    lab.module->verifies = Behaviour::kHang;
    const Asked asked = lab.ask(lab.request());
    EXPECT_EQ(asked.outcome(), "503");
    EXPECT_EQ(asked.record.code, "PolicyTimeout");
    EXPECT_NE(asked.record.reason.find("policies.fake.timeout"), std::string::npos);
    EXPECT_EQ(lab.audit_events(), std::vector<std::string>{"refuse"});
    EXPECT_EQ(lab.module->cancelled, 1) << "the abandoned call is told to end";
    EXPECT_EQ(lab.issued(), 0U);
}

TEST(GuardedPolicyTest, ASlowModuleDoesNotTakeMorePlacesThanItMay) {
    ServiceLab lab(PolicyLimits{std::chrono::milliseconds(200), 2});
    lab.module->verifies = Behaviour::kHang;
    const auto all = lab.ask_together({lab.request(), lab.request(), lab.request()});
    std::vector<std::string> codes;
    for (const Asked& each : all) {
        EXPECT_EQ(each.outcome(), "503");
        codes.push_back(each.record.code);
    }
    EXPECT_EQ(codes, (std::vector<std::string>{"PolicyTimeout", "PolicyTimeout", "PolicyBusy"}));
    EXPECT_NE(all.back().record.reason.find("policies.fake.max_calls"), std::string::npos);
    EXPECT_EQ(lab.module->verified, 2);
    lab.module->verifies = Behaviour::kGrant;
    EXPECT_EQ(lab.ask(lab.request()).outcome(), "success") << "the places are free again";
}

TEST(GuardedPolicyTest, AModuleThatRecoversIsAskedAnew) {
    ServiceLab lab(PolicyLimits{.time = kSoon});
    const auto request = lab.request();
    lab.module->verifies = Behaviour::kHang;
    EXPECT_EQ(lab.ask(request).outcome(), "503");
    lab.module->verifies = Behaviour::kGrant;
    EXPECT_EQ(lab.ask(request).outcome(), "success");
}

TEST(GuardedPolicyTest, ANotificationThatThrowsOrHangsKeepsTheCertificateBack) {
    for (const Behaviour behaviour :
         {Behaviour::kThrow, Behaviour::kThrowNoException, Behaviour::kHang, Behaviour::kRefuse}) {
        ServiceLab lab(PolicyLimits{.time = kSoon});
        lab.module->notifies = behaviour;
        const Asked asked = lab.ask(lab.request());
        EXPECT_EQ(asked.outcome(), "503");
        EXPECT_EQ(asked.record.code, "NotificationFailed");
    }
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
