// Compositions of policies in the configuration, and what they are built into.
#include <gtest/gtest.h>

#include "policy/simple_modules.hpp"
#include "server/runtime_policy.hpp"
#include "tests/server/support/config_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using certs::KeyUsageBit;

PolicyRule rule(PolicyRule::Kind kind, std::vector<PolicyRule> members) {
    PolicyRule made;
    made.kind = kind;
    made.members = std::move(members);
    made.json_path = "endpoints[0].policy";
    return made;
}

PolicyRule any_of(std::vector<PolicyRule> members) {
    return rule(PolicyRule::Kind::kAnyOf, std::move(members));
}

PolicyRule all_of(std::vector<PolicyRule> members) {
    return rule(PolicyRule::Kind::kAllOf, std::move(members));
}

class CompositionTest : public ::testing::Test {
protected:
    static certs::PrivateKey new_key() {
        return certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value();
    }

    void add_blob_policy(const std::string& name) {
        PolicyConfig& entry = lab.config.policies[name];
        entry.json_path = "policies." + name;
        auto& policy = entry.module.emplace<ChallengeBlobConfig>();
        policy.audience = "https://scep.example";
        policy.decryption = {lab.pair(name + "-challenges", new_key(), {})};
        policy.trusted_signers = {
            TrustedSignerConfig{lab.pair(name + "-mdm", new_key(),
                                         {.usage = certs::KeyUsage{KeyUsageBit::kDigitalSignature}})
                                    .certificate,
                                std::nullopt}};
    }

    std::shared_ptr<const Endpoint> built(PolicyRule policy) {
        lab.endpoint().policy = std::move(policy);
        const auto runtime = lab.build();
        return runtime ? runtime->endpoints().front() : nullptr;
    }

    std::string faults() const {
        std::string all;
        for (const auto& fault : lab.faults.list())
            all += fault.text() + "\n";
        return all;
    }

    ConfigLab lab;
    const std::string at = "endpoints[0].policy";
};

TEST_F(CompositionTest, ItIsNamedByItsPoliciesInTheOrderWritten) {
    add_blob_policy("blob");
    const auto endpoint = built(all_of({any_of({"blob"}), "open"}));
    ASSERT_NE(endpoint, nullptr) << faults();
    EXPECT_EQ(endpoint->policy->name(), "blob+open");
    EXPECT_FALSE(lab.has_warning(at, "everybody")) << "the blob decides";
}

TEST_F(CompositionTest, OneThatLetsEverybodyInIsWarnedOf) {
    ASSERT_NE(built(any_of({"open"})), nullptr) << faults();
    EXPECT_TRUE(lab.has_warning(at, "everybody"));
    ASSERT_NE(built(all_of({any_of({"open"})})), nullptr) << faults();
    EXPECT_TRUE(lab.has_warning(at, "everybody"));
}

TEST_F(CompositionTest, TwoThatUseUpChallengesCannotBothHaveToAgree) {
    add_blob_policy("blob");
    add_blob_policy("other");
    EXPECT_EQ(built(all_of({"blob", "other"})), nullptr);
    EXPECT_TRUE(lab.has_error(at, "'blob', 'other'")) << faults();
    EXPECT_EQ(built(all_of({any_of({"blob"}), "open", "other"})), nullptr);
    EXPECT_NE(built(any_of({"blob", "other"})), nullptr) << faults();
}

// Each of these has a fault of its own by then.
TEST_F(CompositionTest, OfWhatIsNotThereNothingIsComposed) {
    PolicyModules modules{{"open", std::make_shared<policy::OpenModule>("open")}, {"bad", nullptr}};
    ConfigFaults found;
    EXPECT_NE(compose_policy(any_of({"open"}), modules, found), nullptr);
    for (const PolicyRule& each :
         {PolicyRule(), any_of({}), any_of({"open", "nowhere"}), all_of({"open", "bad"}),
          any_of({"open", "open"}), all_of({"open", any_of({})})}) {
        EXPECT_EQ(compose_policy(each, modules, found), nullptr);
    }
    EXPECT_TRUE(found.list().empty());
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
