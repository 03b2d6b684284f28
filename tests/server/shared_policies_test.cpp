#include "server/shared_policies.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::testing::this_file {
namespace {

/// Two endpoints that ask "mdm", with different templates.
class SharedPoliciesTest : public ::testing::Test {
protected:
    SharedPoliciesTest() {
        config.policies["mdm"].json_path = "policies.mdm";
        config.policies["mdm"].module = OneTimePasswordConfig();
        add("guest", "Guest");
        add("admins", "Admin");
    }

    EndpointConfig& add(const char* name, const char* template_name) {
        EndpointConfig& endpoint = config.endpoints.emplace_back();
        endpoint.name = name;
        endpoint.ca = "lab";
        endpoint.policy = "mdm";
        endpoint.general_purpose_template = template_name;
        return endpoint;
    }
    AdminCallerConfig& caller(const char* name) {
        if (!config.admin) config.admin.emplace();
        AdminCallerConfig& made = config.admin->callers[name];
        made.policies = {"mdm"};
        return made;
    }
    ChallengeBlobConfig& blob() {
        return config.policies["mdm"].module.emplace<ChallengeBlobConfig>();
    }
    /// The warning's text; "" when there is none.
    std::string warning() const {
        ConfigFaults faults;
        judge_shared_policies(config, faults);
        if (faults.list().empty()) return {};
        EXPECT_EQ(faults.list().size(), 1U);
        EXPECT_FALSE(faults.has_errors());
        EXPECT_EQ(faults.list().front().path, "policies.mdm");
        return faults.list().front().what;
    }
    std::size_t differing() const { return differing_endpoints(config, "mdm").size(); }

    Config config;
};

TEST_F(SharedPoliciesTest, EndpointsDifferByCaTemplatesAndRules) {
    EXPECT_EQ(differing(), 2U);
    EndpointConfig& guest = config.endpoints[0];
    guest.general_purpose_template = "Admin";
    EXPECT_EQ(differing(), 0U);
    guest.ca = "other";
    EXPECT_EQ(differing(), 2U);
    guest.ca = "lab";
    guest.other_templates[2] = {"More"};
    EXPECT_EQ(differing(), 2U);
    guest.other_templates[2].clear();
    guest.rules_json = "{}";
    EXPECT_EQ(differing(), 2U);
    config.endpoints[1].policy = "another";
    EXPECT_EQ(differing(), 0U);
}

TEST_F(SharedPoliciesTest, WhoCanOrderForAllOfThemIsWarnedOf) {
    EXPECT_EQ(warning(), "") << "nobody can";
    AdminCallerConfig& desk = caller("desk");
    EXPECT_NE(warning().find("'guest', 'admins'"), std::string::npos) << warning();
    EXPECT_NE(warning().find("caller 'desk'"), std::string::npos) << warning();
    desk.endpoints = {"elsewhere"};
    EXPECT_NE(warning(), "");
    desk.endpoints = {"guest"};
    EXPECT_EQ(warning(), "");
    config.endpoints[0].general_purpose_template = "Admin";
    desk.endpoints.clear();
    EXPECT_EQ(warning(), "") << "they certify alike";
}

TEST_F(SharedPoliciesTest, ASinglePasswordIsGoodAtAllOfThem) {
    std::get<OneTimePasswordConfig>(config.policies["mdm"].module).single_password.emplace();
    EXPECT_NE(warning().find("single password"), std::string::npos) << warning();
}

TEST_F(SharedPoliciesTest, SoMayBeWhatAnMdmMakesItself) {
    ChallengeBlobConfig& made_here = blob();
    made_here.signers.emplace_back().certificate = "signer.pem";
    made_here.trusted_signers.emplace_back().certificate = "signer.pem";
    EXPECT_EQ(warning(), "");
    made_here.trusted_signers.emplace_back().certificate = "mdm.pem";
    EXPECT_NE(warning().find("claim 'endpoint'"), std::string::npos) << warning();
}

TEST_F(SharedPoliciesTest, OtherPoliciesHaveNoChallengesToBind) {
    config.policies["mdm"].module = OpenPolicyConfig();
    EXPECT_EQ(warning(), "");
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
