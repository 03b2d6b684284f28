#include "server/config.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "server/config_intune_judge.hpp"
#include "server/config_reader.hpp"
#include "server/config_shape.hpp"

namespace scepgate::server::this_file {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> samples(const char* folder) {
    std::vector<fs::path> files;
    for (const auto& entry :
         fs::directory_iterator(fs::path(SCEPGATE_TEST_DATA "/server/config") / folder)) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string sample_name(const ::testing::TestParamInfo<fs::path>& tested) {
    return tested.param.stem().string();
}

bool has_error_at(const ConfigFaults& faults, const std::string& path) {
    const auto& list = faults.list();
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& fault) { return !fault.warning && fault.path == path; });
}

class AcceptedConfig : public ::testing::TestWithParam<fs::path> {};
INSTANTIATE_TEST_SUITE_P(Samples, AcceptedConfig, ::testing::ValuesIn(samples("accepted")),
                         sample_name);

TEST_P(AcceptedConfig, HasNoFault) {
    ConfigFaults faults;
    const Config config = load_config(GetParam(), faults);
    for (const auto& fault : faults.list())
        ADD_FAILURE() << fault.text();
    EXPECT_FALSE(config.endpoints.empty());
}

class RefusedConfig : public ::testing::TestWithParam<fs::path> {};
INSTANTIATE_TEST_SUITE_P(Schema, RefusedConfig, ::testing::ValuesIn(samples("refused")),
                         sample_name);
INSTANTIATE_TEST_SUITE_P(LoaderOnly, RefusedConfig,
                         ::testing::ValuesIn(samples("refused_by_loader")), sample_name);

// The first line of a sample names the JSON path that has to be complained about.
TEST_P(RefusedConfig, NamesThePathOfTheFault) {
    std::ifstream stream(GetParam());
    std::string first;
    std::getline(stream, first);
    ASSERT_EQ(first.substr(0, 3), "// ");
    ConfigFaults faults;
    (void)load_config(GetParam(), faults);
    std::string all;
    for (const auto& fault : faults.list())
        all += fault.text() + "\n";
    EXPECT_TRUE(has_error_at(faults, first.substr(3))) << "got: " << all;
}

TEST(ConfigTest, SuggestsTheNearestKnownKey) {
    ConfigFaults faults;
    parse_config(R"({"listen":[{"adress":"127.0.0.1:1"}],"store":{"sqlite":"x"},"endpoints":[]})",
                 "/", faults)
        .endpoints.clear();
    const auto& list = faults.list();
    const auto found = std::find_if(list.begin(), list.end(), [](const auto& fault) {
        return fault.path == "listen[0].adress";
    });
    ASSERT_NE(found, list.end());
    EXPECT_EQ(found->remedy, "did you mean 'address'?");
}

TEST(ConfigTest, SaysWhereAKeyOfTheAdminListenerBelongsThatStandsInAnEndpoint) {
    ConfigFaults faults;
    parse_config(R"({"endpoints":[{"mscep_admin":{"encoding":"utf-8"}}]})", "/", faults)
        .endpoints.clear();
    const auto& list = faults.list();
    const auto found = std::find_if(list.begin(), list.end(), [](const auto& fault) {
        return fault.path == "endpoints[0].mscep_admin";
    });
    ASSERT_NE(found, list.end());
    EXPECT_EQ(found->remedy, "it belongs into 'admin'");
}

TEST(ConfigTest, ReportsEveryFaultInOneRun) {
    ConfigFaults faults;
    const Config config = parse_config(
        R"({"store":{"sqlit":"x"},"limits":{"body":1},"log":{"level":"x"}})", "/", faults);
    std::set<std::string> paths;
    for (const auto& fault : faults.list())
        paths.insert(fault.path);
    for (const char* path :
         {"listen", "store.sqlit", "store.sqlite", "limits.body", "log.level", "endpoints"}) {
        EXPECT_TRUE(paths.contains(path)) << path;
    }
    EXPECT_TRUE(config.endpoints.empty());
}

TEST(ConfigTest, SaysWhereTheJsonIsBroken) {
    struct Case {
        std::string_view text;
        std::string_view place;
    };
    for (const auto& [text, place] :
         {Case{"{\n  \"listen\": [,]\n}", "line 2, column 14: "},  // a comma too many
          Case{"{\n \"a\": 1\n \"b\": 2}", "line 3, column 4: "},  // one too few: after "b"
          Case{"{\"a\": 1,\n}", "line 2, column 1: "},             // one behind the last
          Case{"{\n\"a\": \"x\ny\"}", "line 2, column 8: "},       // a text over two lines
          Case{"{\"\xC3\xA4\": 1} x", "line 1, column 10: "},      // umlauts are one column
          Case{"{\"a\": [1,\n", "line 2, column 1: "},             // nothing is closed
          Case{"{\n\"a\": \"\xFF\"}", "line 2, column 7: "},       // no UTF-8
          Case{std::string_view("{\n \0}", 5), "line 2, column 2: "}}) {
        ConfigFaults faults;
        const Config config = parse_config(text, "/", faults);
        ASSERT_EQ(faults.list().size(), 1U) << text;
        const auto& fault = faults.list().front();
        EXPECT_TRUE(fault.what.starts_with("the configuration, " + std::string(place)))
            << fault.what;
        EXPECT_FALSE(fault.remedy.empty());
        EXPECT_TRUE(config.endpoints.empty());
    }
}

TEST(ConfigTest, RefusesANumberThatNoDoubleHolds) {
    ConfigFaults faults;
    (void)parse_config(R"({"http": {"queue": 1e400}})", "/etc/scepgate", faults);
    ASSERT_EQ(faults.list().size(), 1U);
    EXPECT_EQ(faults.list().front().path, "http.queue");
    EXPECT_NE(faults.list().front().what.find("1e400"), std::string::npos);
}

TEST(ConfigTest, PathsAreRelativeToTheFile) {
    ConfigFaults faults;
    const Config config = parse_config(
        R"({"listen":[{"address":"127.0.0.1:1"}],"store":{"sqlite":"db/x.db"},"audit":{"file":"/var/a"},"endpoints":[]})",
        "/etc/scepgate", faults);
    EXPECT_EQ(config.store_sqlite, "/etc/scepgate/db/x.db");
    EXPECT_EQ(config.audit_file, "/var/a");
}

TEST(ConfigTest, MissingFileSaysWhatToDo) {
    ConfigFaults faults;
    const Config config = load_config("/nonexistent/scepgate.json", faults);
    ASSERT_TRUE(faults.has_errors());
    EXPECT_NE(faults.list()[0].remedy.find("scepgate init"), std::string::npos);
    EXPECT_TRUE(config.endpoints.empty());
}

std::vector<std::string> faults_of(std::string_view text) {
    ConfigFaults faults;
    (void)parse_config(text, "/", faults);
    std::vector<std::string> texts;
    for (const auto& fault : faults.list())
        texts.push_back(fault.text());
    return texts;
}

TEST(ConfigTest, AnEmptyFileIsCalledEmpty) {
    for (const char* text : {"", " \n\t"}) {
        const auto texts = faults_of(text);
        ASSERT_EQ(texts.size(), 1U);
        EXPECT_NE(texts[0].find("is empty"), std::string::npos) << texts[0];
    }
}

TEST(ConfigTest, ANulDoesNotHideWhatFollowsIt) {
    using namespace std::string_literals;
    const auto texts = faults_of("{}\n\0{\"listen\":5}"s);
    ASSERT_EQ(texts.size(), 1U);
    EXPECT_NE(texts[0].find("line 2, column 1: a NUL octet"), std::string::npos) << texts[0];
}

TEST(ConfigTest, NothingStandsBehindTheValue) {
    for (const char* text : {"{} {}", "{} x", "{},", "{}]"}) {
        EXPECT_EQ(faults_of(text).size(), 1U) << text;
    }
}

TEST(ConfigTest, EveryKeyThatStandsTwiceIsNamedByItsPath) {
    ConfigFaults faults;
    (void)parse_config(
        R"({"a":[{"x":1},{"y":[[],[1,{"k":1,"k":2}]]}],"b":{"c":1,"c":2,"d":{}},"b":0})", "/",
        faults);
    std::vector<std::string> paths;
    for (const auto& fault : faults.list())
        paths.push_back(fault.path);
    EXPECT_EQ(paths, (std::vector<std::string>{"a[1].y[1][1].k", "b.c", "b"}));
}

TEST(ConfigTest, M04_ControlCharactersOfKeysDoNotReachTheTerminal) {
    for (const auto& text : faults_of(R"({"\u001b[31mred\u009b2J\u202e\r\n":1})")) {
        EXPECT_EQ(text.find_first_of("\x1b\r\n"), std::string::npos) << text;
        EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
        EXPECT_EQ(text.find("\xE2\x80\xAE"), std::string::npos);
    }
}

/// Where the configuration warns that the store would have a password that devices share.
std::vector<std::string> stored_passwords(const std::string& policy, const std::string& templates) {
    ConfigFaults faults;
    (void)parse_config(R"({"policies":{"pw":{"type":"static_password","password":{"env":"P"}},
        "one":{"type":"one_time_password","UseSinglePassword":1,"password":{"env":"P"}},
        "each":{"type":"one_time_password"},
        "hook":{"type":"webhook","url":"https://h.example/","key":{"env":"K"}},
        "signed":{"type":"challenge_blob","trusted_signers":[{"certificate":"s","approval":true}]},
        "free":{"type":"challenge_blob","trusted_signers":[{"certificate":"s"}]}},
        "templates":{"Held":{"approval":true},"Free":{}},
        "endpoints":[{"paths":["/scep"],"ca":"lab","policy":)" +
                           policy + R"(,"templates":)" + templates + "}]}",
                       "/", faults);
    std::vector<std::string> paths;
    for (const auto& fault : faults.list()) {
        if (fault.warning && fault.what.find("wait for an operator") != std::string::npos)
            paths.push_back(fault.path);
    }
    return paths;
}

TEST(ConfigTest, WarnsWhereRequestsThatWaitAreStoredWithASharedPassword) {
    using Paths = std::vector<std::string>;
    const std::string held = R"({"signature":"Free","encryption":"Held"})";
    EXPECT_EQ(stored_passwords(R"("pw")", held), Paths{"endpoints[0].policy"});
    EXPECT_EQ(stored_passwords(R"({"any_of":["each","one"]})", held),
              Paths{"endpoints[0].policy.any_of[1]"});
    EXPECT_EQ(stored_passwords(R"("each")", held), Paths{});
    EXPECT_EQ(stored_passwords(R"("pw")", R"({"general_purpose":"Free"})"), Paths{});
}

TEST(ConfigTest, WarnsOfTheSharedPasswordAlsoWhereAnotherPolicyLetsRequestsWait) {
    using Paths = std::vector<std::string>;
    const std::string free = R"({"general_purpose":"Free"})";
    const Paths warned{"endpoints[0].policy.all_of[0]"};
    EXPECT_EQ(stored_passwords(R"({"all_of":["pw","hook"]})", free), warned);
    EXPECT_EQ(stored_passwords(R"({"all_of":["pw","signed"]})", free), warned);
    EXPECT_EQ(stored_passwords(R"({"all_of":["pw","free"]})", free), Paths{});
    EXPECT_EQ(stored_passwords(R"("hook")", free), Paths{}) << "there is no shared password";
}

/// What is said of ec_password_recipient at an endpoint with this policy; "": nothing.
std::string ec_recipient_fault(const std::string& policy, bool on = true) {
    ConfigFaults faults;
    (void)parse_config(R"({"policies":{"pw":{"type":"static_password","password":{"env":"P"}},
        "single":{"type":"one_time_password","UseSinglePassword":1,"password":{"env":"P"}},
        "each":{"type":"one_time_password"},"open":{"type":"none"},
        "hook":{"type":"webhook","url":"https://h.example/","key":{"env":"K"}},
        "blob":{"type":"challenge_blob"},"intune":{"type":"intune"}},
        "endpoints":[{"paths":["/scep"],"ca":"lab","policy":)" +
                           policy + R"(,"algorithms":{"ec_password_recipient":)" +
                           (on ? "true" : "false") + "}}]}",
                       "/", faults);
    for (const auto& fault : faults.list()) {
        if (!fault.warning && fault.path == "endpoints[0].algorithms.ec_password_recipient")
            return fault.text();
    }
    return {};
}

TEST(ConfigTest, C13_EcRecipientsGetTheirReplyUnderNoChallengeThatIsGoodAgain) {
    for (const char* reusable :
         {R"("pw")", R"("single")", R"("open")", R"("hook")", R"({"any_of":["blob","pw"]})",
          R"({"all_of":["hook","pw"]})", R"({"any_of":["each",{"all_of":["hook","open"]}]})"}) {
        EXPECT_NE(ec_recipient_fault(reusable), "") << reusable;
        EXPECT_EQ(ec_recipient_fault(reusable, false), "") << reusable;
    }
    for (const char* used_up :
         {R"("each")", R"("blob")", R"("intune")", R"({"any_of":["each","blob"]})",
          R"({"all_of":["hook","blob"]})", R"("there is none")"})
        EXPECT_EQ(ec_recipient_fault(used_up), "") << used_up;
    const std::string text = ec_recipient_fault(R"({"any_of":["pw","each","hook"]})");
    EXPECT_NE(text.find("policy 'pw', 'hook'"), std::string::npos) << text;
}

TEST(ConfigTest, AMissingListIsOneFault) {
    ConfigFaults faults;
    (void)parse_config("{}", "/", faults);
    std::vector<std::string> paths;
    for (const auto& fault : faults.list())
        paths.push_back(fault.path);
    EXPECT_EQ(paths, (std::vector<std::string>{"listen", "endpoints", "store"}));
}

Config with_endpoint(const std::string& endpoint) {
    ConfigFaults faults;
    return parse_config("{\"endpoints\":[" + endpoint + "]}", "/", faults);
}

TEST(ConfigTest, AnEndpointGoesByItsFirstPathUnlessItHasAName) {
    const auto unnamed = with_endpoint(R"({"paths":["/SCEP/","/Other"]})").endpoints.at(0);
    EXPECT_EQ(unnamed.name, "/scep");
    EXPECT_EQ(unnamed.paths, (std::vector<std::string>{"/scep", "/other"}));
    EXPECT_EQ(with_endpoint(R"({"paths":["/a","/b"],"name":"devices"})").endpoints.at(0).name,
              "devices");
}

TEST(ConfigTest, APresetSetsWhatWasNotGiven) {
    const auto shape_of = [](const std::string& keys) {
        ConfigFaults faults;
        const auto config =
            parse_config("{\"endpoints\": [{" + keys + "\"paths\": [\"/scep\"]}]}", "/", faults);
        return to_text(config.endpoints.at(0).shape);
    };
    const std::string cisco = shape_of("\"preset\": \"cisco\",");
    EXPECT_NE(cisco, shape_of(""));
    EXPECT_NE(cisco.find("cert_rep=leaf_and_ca"), std::string::npos) << cisco;
    // Whatever the order of the keys.
    for (const char* keys : {"\"cert_rep\": \"chain\", \"preset\": \"cisco\",",
                             "\"preset\": \"cisco\", \"cert_rep\": \"chain\","}) {
        EXPECT_NE(shape_of(keys).find("cert_rep=chain"), std::string::npos) << keys;
    }
}

TEST(ConfigTest, WarnsOfRenewalsOfWhichIntuneWouldNotHear) {
    const auto warned = [](const std::string& renewal, const char* policy) {
        ConfigFaults faults;
        parse_config(
            R"({"policies":{"open":{"type":"none"},"mdm":{"type":"intune"}},"endpoints":[{)"
            R"("paths":["/scep"],"renewal":)" +
                renewal + R"(,"policy":)" + policy + "}]}",
            "/", faults)
            .endpoints.clear();
        const auto& list = faults.list();
        return std::any_of(list.begin(), list.end(), [](const auto& fault) {
            return fault.warning && fault.path == "endpoints[0].renewal.challenge";
        });
    };
    EXPECT_TRUE(warned("{}", R"("mdm")"));
    EXPECT_TRUE(warned(R"({"challenge":"verified_if_present"})", R"({"all_of":["open","mdm"]})"));
    EXPECT_FALSE(warned(R"({"challenge":"required"})", R"("mdm")"));
    EXPECT_FALSE(warned("{}", R"("open")"));
}

TEST(ConfigTest, PoliciesOfOneTenantAndCloudBelongTogether) {
    ConfigFaults faults;
    const std::string tenant = R"("type":"intune","tenant":"contoso.onmicrosoft.com")";
    const auto config = parse_config(
        R"({"policies":{"one":{)" + tenant + R"(},"two":{)" + tenant + R"(,"app_id":"2"},)" +
            R"("other":{"type":"intune","tenant":"other.onmicrosoft.com"},"us":{)" + tenant +
            R"(,"services":{"graph":"https://graph.microsoft.us"}},"open":{"type":"none"}}})",
        "/", faults);
    EXPECT_EQ(policies_of_tenant("one", config), (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(policies_of_tenant("us", config), (std::vector<std::string>{"us"}));
}

TEST(TimeTest, ReadsUtc) {
    EXPECT_EQ(*parse_time("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(*parse_time("2027-01-01T00:00:00Z"), 1'798'761'600);
    EXPECT_EQ(*parse_time("2028-02-29T23:59:59Z"), 1'835'481'599);
}

TEST(TimeTest, RefusesWhatIsNone) {
    for (const char* text : {"", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01T00:00:00+01:00",
                             "2027-01-01t00:00:00z", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z",
                             "2027-01-01T24:00:00Z", "2027-1-01T00:00:00Z", " 2027-01-01T00:00:00Z",
                             "2027-01-01T00:00:00ZZ", "+027-01-01T00:00:00Z"}) {
        EXPECT_FALSE(parse_time(text)) << text;
    }
}

TEST(DurationTest, ReadsUnits) {
    EXPECT_EQ(*parse_duration("90"), 90);
    EXPECT_EQ(*parse_duration("90s"), 90);
    EXPECT_EQ(*parse_duration("10m"), 600);
    EXPECT_EQ(*parse_duration("12h"), 43'200);
    EXPECT_EQ(*parse_duration("365d"), 31'536'000);
    EXPECT_EQ(*parse_duration("2w"), 1'209'600);
}

TEST(DurationTest, RefusesWhatIsNone) {
    for (const char* text :
         {"", "d", "-1s", "1y", "1 d", "99999999999999999999", "9223372036854775807w", "1.5h"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

}  // namespace
}  // namespace scepgate::server::this_file
