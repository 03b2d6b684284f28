#include "server/minting.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ca_backend/wait_for.hpp"
#include "certs/oids.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using ca_backend::wait_for;
using Kind = MintingRefusal::Kind;
using Minted = std::variant<policy::Challenge, MintingRefusal>;

/// Makes challenges as the test wants them: "token 1", "token 2", …
class FakeMint final : public policy::PolicyModule {
public:
    std::optional<std::string> claims;
    std::size_t maximum = 0;
    bool once = true;
    std::optional<Error> fails;
    int made = 0;

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    boost::asio::awaitable<Result<policy::Challenge>> generate_challenge(
        const policy::ChallengeParameters&) override {
        if (fails) co_return *fails;
        policy::Challenge challenge;
        const std::string token = "token " + std::to_string(++made);
        challenge.text = Secret("secret of " + token);
        if (once) {
            challenge.scope = "scope";
            challenge.token = to_bytes(as_bytes(token));
            challenge.expires = kNow + 3600;
        }
        challenge.recorded_claims = claims;
        challenge.maximum_outstanding = maximum;
        co_return challenge;
    }
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest&) override {
        co_return Refusal{};
    }

private:
    std::string name_ = "mint";
};

class MintingTest : public ::testing::Test {
protected:
    MintingTest() {
        parts_.store = lab_.store;
        parts_.audit = AuditLog::open(file_).value();
        parts_.log = Log::open(LogConfig{}).value();
        parts_.clock = lab_.clock;
    }
    ~MintingTest() override { std::filesystem::remove(file_); }

    Minted mint(const MintingCaller& caller = {"alice", "192.0.2.1", {}},
                const policy::ChallengeParameters& parameters = {}) {
        return wait_for(Minting(parts_).mint(module_, parameters, caller));
    }
    std::vector<nlohmann::json> audit() const {
        std::vector<nlohmann::json> lines;
        std::ifstream in(file_);
        for (std::string line; std::getline(in, line);)
            lines.push_back(nlohmann::json::parse(line));
        return lines;
    }
    std::vector<ca_backend::StoredChallenge> stored() {
        return lab_.store->list_challenges({.now = lab_.clock->now()}).value();
    }

    ServiceLab lab_;
    FakeMint module_;
    ServiceParts parts_;
    std::filesystem::path file_ =
        std::filesystem::temp_directory_path() / ("minting-" + to_hex(random_bytes(8)));
};

const policy::Challenge* made(const Minted& minted) {
    return std::get_if<policy::Challenge>(&minted);
}
std::optional<Kind> refused(const Minted& minted) {
    const auto* refusal = std::get_if<MintingRefusal>(&minted);
    return refusal == nullptr ? std::nullopt : std::optional(refusal->kind);
}

TEST_F(MintingTest, HandsOutWhatPolicyMadeForTheCaller) {
    const auto minted = mint();
    ASSERT_TRUE(made(minted));
    EXPECT_EQ(made(minted)->text.text(), "secret of token 1");
}

TEST_F(MintingTest, RecordsWhatIsGoodOnlyWhenTheStoreHasIt) {
    module_.claims = R"({"device_id":"d7"})";
    ASSERT_TRUE(made(mint()));
    ASSERT_EQ(stored().size(), 1U);
    const auto row = stored().front().row;
    EXPECT_EQ(row.scope, "scope");
    EXPECT_EQ(as_text(row.token), "token 1");
    EXPECT_EQ(row.caller, "alice");
    EXPECT_EQ(row.created, kNow);
    EXPECT_EQ(row.expires, kNow + 3600);
    EXPECT_EQ(row.claims, module_.claims);
}

TEST_F(MintingTest, RecordsNothingThatSaysItAllItselfAndHasNoLimit) {
    ASSERT_TRUE(made(mint()));
    EXPECT_TRUE(stored().empty());
}

TEST_F(MintingTest, RecordsWhatIsMadeByACallerWithLimits) {
    ASSERT_TRUE(made(mint({"alice", "", {.per_day = 10}})));
    ASSERT_TRUE(made(mint({"alice", "", {.outstanding = 10}})));
    EXPECT_EQ(stored().size(), 2U);
}

TEST_F(MintingTest, CountsNothingThatCanBeUsedAnyNumberOfTimes) {
    module_.once = false;
    EXPECT_TRUE(made(mint({"alice", "", {1, 1}})));
    EXPECT_TRUE(made(mint({"alice", "", {1, 1}})));
    EXPECT_EQ(audit().at(1).at("expires"), "never");
}

TEST_F(MintingTest, EndsAtTheCallersLimitsAndNotAtAnothers) {
    const MintingCaller alice{"alice", "", {.per_day = 2}};
    ASSERT_TRUE(made(mint(alice)));
    ASSERT_TRUE(made(mint(alice)));
    EXPECT_EQ(refused(mint(alice)), Kind::kQuotaReached);
    EXPECT_TRUE(made(mint({"bob", "", {.per_day = 2}})));
    lab_.clock->set(kNow + kDay);
    EXPECT_TRUE(made(mint(alice)));
}

TEST_F(MintingTest, EndsAtThePolicysLimitForAllCallers) {
    module_.maximum = 2;
    ASSERT_TRUE(made(mint()));
    ASSERT_TRUE(made(mint({"bob", "", {}})));
    const auto third = mint();
    EXPECT_EQ(refused(third), Kind::kCacheFull);
    EXPECT_NE(std::get<MintingRefusal>(third).text.find("PasswordMax"), std::string::npos);
    lab_.clock->set(kNow + 3600);
    EXPECT_TRUE(made(mint()));
}

TEST_F(MintingTest, SaysWhyPolicyMadeNone) {
    for (const auto& [code, kind] : {std::pair{Errc::kUnsupported, Kind::kUnsupported},
                                     std::pair{Errc::kDenied, Kind::kNotAllowed},
                                     std::pair{Errc::kMalformed, Kind::kNotAllowed},
                                     std::pair{Errc::kConfig, Kind::kUnavailable},
                                     std::pair{Errc::kUnavailable, Kind::kUnavailable}}) {
        module_.fails = Error{code, "as the test wants"};
        const auto minted = mint();
        EXPECT_EQ(refused(minted), kind);
        EXPECT_EQ(std::get<MintingRefusal>(minted).text, "as the test wants");
    }
}

TEST_F(MintingTest, HandsOutNothingThatCannotBeRecorded) {
    module_.claims = "{}";
    lab_.store->writes_fail = true;
    EXPECT_EQ(refused(mint()), Kind::kUnavailable);
    lab_.store->writes_fail = false;
    EXPECT_TRUE(made(mint()));
}

TEST_F(MintingTest, HandsOutNothingThatCannotBeAuditedAndKeepsNoRoomForIt) {
    module_.claims = "{}";
    module_.maximum = 1;
    const auto audit_file = parts_.audit;
    parts_.audit = AuditLog::open("/dev/full").value();
    EXPECT_EQ(refused(mint()), Kind::kUnavailable);
    ASSERT_EQ(stored().size(), 1U);
    EXPECT_EQ(stored().front().state, ca_backend::ChallengeState::kWithdrawn);
    parts_.audit = audit_file;
    EXPECT_TRUE(made(mint()));
}

TEST_F(MintingTest, TheAuditFileNamesWhoGotWhatForWhomAndNeverTheChallenge) {
    module_.claims = "{}";
    policy::ChallengeParameters parameters;
    parameters.subject = certs::Name::from_text("CN=device").value();
    parameters.subject_alt_name = {
        certs::GeneralName::make(certs::GeneralNameType::kDns, "device.example").value()};
    parameters.template_name = "general";
    parameters.max_validity = 3600;
    parameters.device_id = "d7";
    parameters.user_id = "u7";
    ASSERT_TRUE(made(mint({"alice", "192.0.2.1", {}}, parameters)));
    auto line = audit().at(0);
    for (const char* of_the_file : {"seq", "prev", "time"})
        line.erase(of_the_file);
    EXPECT_EQ(line, nlohmann::json::parse(
                        R"({"event":"challenge","caller":"alice","client":"192.0.2.1",
                            "policy":"mint","subject":"CN=device",
                            "subject_alt_name":"dns:device.example","template":"general",
                            "max_validity":3600,"device_id":"d7","user_id":"u7","scope":"scope",
                            "challenge":")" +
                        to_hex(as_bytes("token 1")) + R"(","expires":")" +
                        certs::utc_text(kNow + 3600) + "\"}"));
    EXPECT_EQ(line.dump().find("secret"), std::string::npos);
}

TEST_F(MintingTest, TheAuditFileNamesWhoGotNoneAndWhy) {
    module_.maximum = 1;
    ASSERT_TRUE(made(mint()));
    EXPECT_EQ(refused(mint()), Kind::kCacheFull);
    const auto line = audit().at(1);
    EXPECT_EQ(line.at("event"), "no_challenge");
    EXPECT_EQ(line.at("caller"), "alice");
    EXPECT_EQ(line.at("code"), "CacheFull");
}

TEST_F(MintingTest, ACallerGrantsOnlyTheTemplatesAndNamesThatItMay) {
    policy::IssuanceRules rules;
    rules.dns_suffixes = {
        policy::DomainRange::parse("a.example", policy::DomainRange::Below::kIncluded).value()};
    MintingCaller caller{"alice", "192.0.2.1", {}};
    caller.limits.templates = {"Phone", "Tablet"};
    caller.limits.rules = std::make_shared<const policy::IssuanceRules>(rules);
    policy::ChallengeParameters parameters;
    const auto reason = [&] {
        const Minted made = mint(caller, parameters);
        const auto* refusal = std::get_if<MintingRefusal>(&made);
        if (refusal == nullptr) return std::string("made");
        EXPECT_EQ(refusal->kind, Kind::kNotAllowed);
        return refusal->text;
    };
    const auto dns = [](const char* name) {
        return certs::GeneralName::make(certs::GeneralNameType::kDns, name).value();
    };
    parameters.subject_alt_name = {dns("x.a.example")};
    EXPECT_EQ(reason(), "'alice' has to name one of the templates Phone, Tablet");
    parameters.template_name = "Server";
    EXPECT_EQ(reason(), "'alice' has to name one of the templates Phone, Tablet, not 'Server'");
    parameters.template_name = "Tablet";
    EXPECT_EQ(reason(), "made");
    parameters.subject_alt_name = {dns("x.b.example")};
    EXPECT_NE(reason().find("'alice' may not grant this (RuleDnsName)"), std::string::npos);
    parameters.subject_alt_name.clear();
    EXPECT_NE(reason().find("has to say which"), std::string::npos);
    EXPECT_EQ(module_.made, 1) << "the policy was not asked for the others";
    std::vector<std::string> events;
    for (const auto& line : audit())
        events.push_back(line["event"]);
    EXPECT_EQ(events, (std::vector<std::string>{"no_challenge", "no_challenge", "challenge",
                                                "no_challenge", "no_challenge"}));
}

TEST_F(MintingTest, ACallerGrantsNoSubjectThatATemplateBuildsBeyondItsRules) {
    policy::IssuanceRules rules;
    rules.subject.patterns.push_back(
        {to_bytes(certs::oid::kCommonName), {policy::Pattern::compile("kiosk-[0-9]+").value()}});
    MintingCaller caller{"alice", "192.0.2.1", {}};
    caller.limits.rules = std::make_shared<const policy::IssuanceRules>(rules);
    policy::ChallengeParameters parameters;
    parameters.subject = certs::Name::from_text("CN=kiosk-7").value();
    parameters.built_subjects = {certs::Name::from_text("CN=kiosk-8,O=Fleet").value()};
    EXPECT_TRUE(made(mint(caller, parameters)));
    parameters.built_subjects.push_back(certs::Name::from_text("CN=boss,O=Fleet").value());
    const Minted minted = mint(caller, parameters);
    ASSERT_EQ(refused(minted), Kind::kNotAllowed);
    const std::string& text = std::get<MintingRefusal>(minted).text;
    EXPECT_NE(text.find("(RuleSubjectPattern)"), std::string::npos) << text;
    EXPECT_NE(text.find("CN=boss, which a template makes"), std::string::npos) << text;
    EXPECT_EQ(audit().at(1).at("event"), "no_challenge");
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
