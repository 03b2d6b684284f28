// The endpoint's name and key rules on every way to a certificate.
#include <gtest/gtest.h>

#include "certs/oids.hpp"
#include "policy/signer_limits.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using Events = std::vector<std::string>;

policy::IssuanceRules names_like(const char* pattern) {
    policy::IssuanceRules rules;
    rules.where = "endpoints[0].rules";
    rules.subject.patterns.push_back(
        {to_bytes(certs::oid::kCommonName), {policy::Pattern::compile(pattern).value()}});
    return rules;
}

class IssuanceRulesServiceTest : public ::testing::Test {
protected:
    void SetUp() override {
        lab.module->redemption = Redemption{"fake", Bytes(16, 5), kNow + kDay};
    }

    ServiceLab lab;
    scep::ClientRequest request = lab.request();
};

TEST_F(IssuanceRulesServiceTest, WhatIsWithinThemIsIssued) {
    lab.endpoint.issuance_rules = names_like("device");
    EXPECT_EQ(lab.ask(request).outcome(), "success");
}

TEST_F(IssuanceRulesServiceTest, WhatAModuleGrantsBeyondThemIsRefused) {
    lab.endpoint.issuance_rules = names_like("kiosk");
    const Asked asked = lab.ask(request);
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "RuleSubjectPattern");
    EXPECT_NE(asked.record.reason.find("CN=device"), std::string::npos);
    EXPECT_EQ(lab.issued(), 0U);
    EXPECT_EQ(lab.module->refused, Events{"RuleSubjectPattern"}) << "the module hears of it";
    EXPECT_EQ(lab.module->granted_by, "fake");
}

TEST_F(IssuanceRulesServiceTest, C10_ARefusalByThemDoesNotUseUpTheChallenge) {
    lab.endpoint.issuance_rules = names_like("kiosk");
    EXPECT_EQ(lab.ask(request).record.code, "RuleSubjectPattern");
    lab.endpoint.issuance_rules = names_like("device");
    EXPECT_EQ(lab.ask(request).outcome(), "success");
}

TEST_F(IssuanceRulesServiceTest, TheyHoldForRenewals) {
    lab.endpoint.renewal.emplace();
    const auto old = lab.ask(request).cert.value().certificate;
    lab.endpoint.issuance_rules = names_like("kiosk");
    const Asked asked = lab.ask(lab.renewal(old, 0, 1), 1);
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "RuleSubjectPattern");
    EXPECT_EQ(lab.issued(), 1U);
    lab.endpoint.issuance_rules = names_like("device");
    EXPECT_EQ(lab.ask(lab.renewal(old, 0, 1), 1).outcome(), "success");
}

TEST_F(IssuanceRulesServiceTest, WhatTheyRefuseDoesNotWaitForAnOperator) {
    lab.module->verifies = FakeModule::Behaviour::kGrantAfterApproval;
    lab.endpoint.issuance_rules = names_like("kiosk");
    EXPECT_EQ(lab.ask(request).record.code, "RuleSubjectPattern");
    lab.endpoint.issuance_rules = names_like("device");
    EXPECT_EQ(lab.ask(request).outcome(), "pending") << "the challenge is still good";
}

TEST_F(IssuanceRulesServiceTest, TheyAreHeldAgainstWhatAnOperatorApproved) {
    lab.module->verifies = FakeModule::Behaviour::kGrantAfterApproval;
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    lab.endpoint.issuance_rules = names_like("kiosk");  // as after SIGHUP
    const Asked asked = lab.ask(lab.poll(request));
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "RuleSubjectPattern");
    EXPECT_EQ(lab.issued(), 0U);
    lab.endpoint.issuance_rules = names_like("device");
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
}

/// The template writes CN=device-7,O=Fleet in place of the granted CN=device.
class BuiltSubjectTest : public IssuanceRulesServiceTest {
protected:
    void SetUp() override {
        IssuanceRulesServiceTest::SetUp();
        use("built");
    }
    void use(const char* template_name) { lab.endpoint.templates = {"", "", template_name}; }
    static std::shared_ptr<const policy::SignerLimits> limited_to(const char* pattern) {
        policy::SignerLimits limits;
        limits.signer = "mdm2";
        limits.where = "policies.mdm.trusted_signers[0]";
        limits.rules = names_like(pattern);
        return std::make_shared<const policy::SignerLimits>(std::move(limits));
    }
};

TEST_F(BuiltSubjectTest, N05_WhatATemplateBuildsBeyondTheRulesIsRefused) {
    lab.endpoint.issuance_rules = names_like("device");
    const Asked asked = lab.ask(request);
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "RuleSubjectPattern");
    EXPECT_NE(asked.record.reason.find("CN=device-7"), std::string::npos) << asked.record.reason;
    EXPECT_EQ(lab.issued(), 0U);
    lab.endpoint.issuance_rules = names_like("device(-[0-9])?");
    EXPECT_EQ(lab.ask(request).outcome(), "success") << "the challenge is still good";
}

TEST_F(BuiltSubjectTest, WhatWasGrantedHasToKeepTheRulesAsWell) {
    lab.endpoint.issuance_rules = names_like("device-7");
    EXPECT_EQ(lab.ask(request).record.code, "RuleSubjectPattern");
}

TEST_F(BuiltSubjectTest, N05_WhatATemplateBuildsBeyondTheSignersLimitsIsRefused) {
    lab.module->signer_limits = limited_to("device");
    const Asked asked = lab.ask(request);
    EXPECT_EQ(asked.outcome(), "badMessageCheck");
    EXPECT_EQ(asked.record.code, "SignerNotAllowed");
    EXPECT_NE(asked.record.reason.find("mdm2"), std::string::npos);
    EXPECT_EQ(lab.issued(), 0U);
    lab.module->signer_limits = limited_to("device-7");
    EXPECT_EQ(lab.ask(request).outcome(), "success");
}

TEST_F(BuiltSubjectTest, BeyondTheSignersLimitsItDoesNotWaitForAnOperator) {
    lab.module->verifies = FakeModule::Behaviour::kGrantAfterApproval;
    lab.module->signer_limits = limited_to("device");
    EXPECT_EQ(lab.ask(request).record.code, "SignerNotAllowed");
}

TEST_F(BuiltSubjectTest, WhatAnOperatorWasNotShownIsNotIssued) {
    lab.module->verifies = FakeModule::Behaviour::kGrantAfterApproval;
    use("general");
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    use("built");  // as after SIGHUP
    const Asked asked = lab.ask(lab.poll(request));
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "ApprovalSubjectChanged");
    EXPECT_EQ(lab.module->refused, Events{"ApprovalSubjectChanged"}) << "the module hears of it";
    EXPECT_EQ(lab.issued(), 0U);
    use("general");
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "success");
}

TEST_F(IssuanceRulesServiceTest, K01_KeysAreJudgedToo) {
    lab.endpoint.issuance_rules.emplace().keys.allowed = {"ec:p256"};
    EXPECT_EQ(lab.ask(request).record.code, "RuleKeyType");
    lab.endpoint.issuance_rules.emplace().keys.minimum_rsa_bits = 3072;
    EXPECT_EQ(lab.ask(request).record.code, "RuleKeySize");
    EXPECT_EQ(lab.issued(), 0U);
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
