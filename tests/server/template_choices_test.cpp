#include "server/template_choices.hpp"

#include <gtest/gtest.h>

#include "server/config_rules.hpp"
#include "tests/server/support/config_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using certs::KeyUsage;
using enum certs::KeyUsageBit;

/// "mdm" is asked at two endpoints, "other" at a third.
class TemplateChoicesTest : public ::testing::Test {
protected:
    TemplateChoicesTest() {
        config.templates["Plain"];
        config.templates["Fleet"].subject = "CN={device_id},O=Fleet";
        config.templates["User"].subject = "CN={user_id}";
        add("phones", "mdm", {"", "", "Plain"});
        add("laptops", "mdm", {"Fleet", "", "Plain"});
        config.endpoints.back().other_templates[2] = {"User"};
        add("servers", PolicyRule("other"), {"", "", "Fleet"});
        parameters.subject = certs::Name::from_text("CN=kiosk-7").value();
        parameters.device_id = "boss";
        parameters.user_id = "ada";
    }

    void add(const char* name, PolicyRule policy, std::array<std::string, 3> templates) {
        EndpointConfig& endpoint = config.endpoints.emplace_back();
        endpoint.name = name;
        endpoint.policy = std::move(policy);
        endpoint.signature_template = templates[0];
        endpoint.encryption_template = templates[1];
        endpoint.general_purpose_template = templates[2];
    }
    /// The subjects, each followed by a semicolon.
    std::string built() const {
        std::string all;
        for (const certs::Name& name : built_subjects(template_choices(config, "mdm"), parameters))
            all += name.text() + ';';
        return all;
    }

    Config config;
    policy::ChallengeParameters parameters;
};

TEST_F(TemplateChoicesTest, TheyAreThoseOfTheEndpointsThatAskThePolicy) {
    std::string all;
    for (const TemplateChoice& choice : template_choices(config, "mdm")) {
        all += choice.endpoint + ' ' + std::string(to_text(choice.purpose)) + ' ' + choice.name +
               (choice.subject ? " builds;" : ";");
    }
    EXPECT_EQ(all,
              "phones general_purpose Plain;laptops signature Fleet builds;"
              "laptops general_purpose Plain;laptops general_purpose User builds;");
    EXPECT_TRUE(template_choices(config, "nobody's").empty());
}

TEST_F(TemplateChoicesTest, ATemplateThatNoneOfThemHasIsAFault) {
    const auto choices = template_choices(config, "mdm");
    EXPECT_EQ(order_fault(choices, parameters), "");
    parameters.template_name = "User";
    EXPECT_EQ(order_fault(choices, parameters), "");
    parameters.template_name = "Server";
    EXPECT_EQ(order_fault(choices, parameters),
              "template: no endpoint with this policy has it; they have Fleet, Plain, User");
    EXPECT_EQ(order_fault({}, parameters), "") << "another node's endpoint asks the policy";
}

TEST_F(TemplateChoicesTest, SoIsAnEndpointThatDoesNotAskThePolicyOrHasNoSuchTemplate) {
    const auto choices = template_choices(config, "mdm");
    parameters.endpoints = {"phones", "laptops"};
    EXPECT_EQ(order_fault(choices, parameters), "");
    parameters.endpoints = {"phones", "servers"};
    EXPECT_EQ(order_fault(choices, parameters),
              "endpoint: 'servers' is none with this policy; there are laptops, phones");
    parameters.endpoints = {"phones"};
    parameters.template_name = "User";
    EXPECT_EQ(order_fault(choices, parameters),
              "template: no endpoint with this policy has it; they have Plain");
}

TEST_F(TemplateChoicesTest, N05_WhatTheyWouldBuildIsKnownBeforehand) {
    EXPECT_EQ(built(), "CN=boss,O=Fleet;CN=ada;");
    parameters.device_id.clear();
    EXPECT_EQ(built(), "CN=ada;") << "nothing could be issued of the other";
}

TEST_F(TemplateChoicesTest, OnlyThatCountsWhichTheChallengeCanLeadTo) {
    parameters.template_name = "Plain";
    EXPECT_EQ(built(), "");
    parameters.template_name = "User";
    EXPECT_EQ(built(), "CN=ada;");
    parameters.template_name.reset();
    parameters.purpose = certs::Purpose::kSignature;
    EXPECT_EQ(built(), "CN=boss,O=Fleet;");
    parameters.purpose.reset();
    parameters.key_usage = KeyUsage{kDigitalSignature, kKeyEncipherment};
    EXPECT_EQ(built(), "CN=ada;");
    parameters.endpoints = {"phones"};
    EXPECT_EQ(built(), "");
}

class SubjectConflictTest : public ::testing::Test {
protected:
    SubjectConflictTest() {
        lab.config.templates["general"].subject = "CN={dns},O=Fleet";
        lab.endpoint().rules = rules(R"({"allowed": ["CN"]})");
    }
    policy::IssuanceRules rules(const std::string& subject, const std::string& path = "x.rules") {
        const ConfigParts parts("/", lab.faults);
        return read_rules(ConfigReader::Json::parse("{\"subject\": " + subject + "}"), path, parts,
                          lab.faults);
    }

    ConfigLab lab;
};

TEST_F(SubjectConflictTest, ATemplateThatBuildsWhatTheEndpointsRulesNeverAllowIsAnError) {
    lab.build();
    EXPECT_TRUE(lab.has_error("endpoints[0].templates.general_purpose", "x.rules.subject.allowed"));
}

TEST_F(SubjectConflictTest, SoIsOneThatLacksWhatTheyRequire) {
    lab.endpoint().rules = rules(R"({"required": ["OU"]})");
    lab.build();
    EXPECT_TRUE(
        lab.has_error("endpoints[0].templates.general_purpose", "x.rules.subject.required"));
}

TEST_F(SubjectConflictTest, ValuesAreNotKnownBeforehand) {
    lab.endpoint().rules = rules(R"({"allowed": ["CN", "O"], "patterns": {"CN": "device"}})");
    EXPECT_TRUE(lab.build());
}

TEST_F(SubjectConflictTest, OfASignerAndACallerItIsAWarning) {
    lab.endpoint().rules.reset();
    lab.endpoint().policy = "mdm";
    ChallengeBlobConfig blob;
    blob.trusted_signers.emplace_back().limits.emplace().where = "policies.mdm.trusted_signers[0]";
    blob.trusted_signers[0].limits->rules = rules(R"({"allowed": ["CN"]})");
    lab.config.policies["mdm"].module = blob;
    AdminCallerConfig& caller = lab.config.admin.emplace().callers["desk"];
    caller.json_path = "admin.callers.desk";
    caller.policies = {"mdm"};
    caller.rules = rules(R"({"allowed": ["CN"]})");
    lab.build();
    EXPECT_TRUE(lab.has_warning("policies.mdm.trusted_signers[0].rules", "template 'general'"));
    EXPECT_TRUE(lab.has_warning("admin.callers.desk.rules", "template 'general'"));
    lab.faults = ConfigFaults();
    caller.templates = {"other"};
    lab.build();
    EXPECT_FALSE(lab.has_warning("admin.callers.desk.rules", "template 'general'"));
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
