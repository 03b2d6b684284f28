#include "server/config_rules.hpp"

#include <gtest/gtest.h>

#include "certs/oids.hpp"

namespace scepgate::server::testing::this_file {
namespace {

struct Read {
    policy::IssuanceRules rules;
    std::vector<ConfigFault> faults;
};

Read read(const std::string& text) {
    ConfigFaults faults;
    Read result;
    const ConfigParts parts("/etc/scepgate", faults);
    result.rules = read_rules(ConfigReader::Json::parse(text), "endpoints[0].rules", parts, faults);
    result.faults = faults.list();
    return result;
}

/// The paths of the faults, each followed by a space.
std::string fault_paths(const std::string& text) {
    std::string all;
    for (const auto& fault : read(text).faults)
        all += fault.path.substr(std::string("endpoints[0].rules").size()) + ' ';
    return all;
}

TEST(ConfigRulesTest, ReadsEveryRule) {
    const Read made = read(R"({
        "subject": {"allowed": ["CN", "o", "1.2.3.4"], "required": ["commonName"],
                    "patterns": {"CN": "device-[0-9]+", "O": ["Example", "Example Ltd"]}},
        "san": {"allowed": ["dns", "upn", "uri", "ip", "email"], "required": ["dns"],
                "patterns": {"dns": ["host-[0-9]+[.]example[.]com"]}},
        "dns_suffixes": ["example.com", ".corp.example"], "dns_wildcards": true,
        "upn_domains": ["example.com"], "email_domains": ["example.com"],
        "uri_prefixes": ["https://mdm.example.com/devices/"], "ip_ranges": ["10.0.0.0/8"],
        "keys": {"allowed": ["rsa", "ec:p256"], "minimum_rsa_bits": 3072, "maximum_rsa_bits": 4096},
        "sid": {"patterns": "S-1-5-21-1-2-3-[0-9]{4,}"}
    })");
    EXPECT_TRUE(made.faults.empty()) << made.faults.front().text();
    const auto& rules = made.rules;
    EXPECT_EQ(rules.where, "endpoints[0].rules");
    ASSERT_EQ(rules.subject.allowed.value().size(), 3U);
    EXPECT_EQ(rules.subject.required.front(), to_bytes(certs::oid::kCommonName));
    ASSERT_EQ(rules.subject.patterns.size(), 2U);
    EXPECT_EQ(rules.subject.patterns.at(1).patterns.size(), 2U);
    EXPECT_EQ(rules.alternative_names.allowed.value().size(), 5U);
    EXPECT_TRUE(rules.alternative_names.patterns[0]);
    EXPECT_EQ(rules.dns_suffixes.value().size(), 2U);
    EXPECT_TRUE(rules.dns_wildcards);
    EXPECT_FALSE(rules.upn_domains.value().front().contains("hr.example.com"));
    EXPECT_TRUE(rules.email_domains.value().front().contains("hr.example.com"));
    EXPECT_EQ(rules.uri_prefixes.value().size(), 1U);
    EXPECT_EQ(rules.ip_ranges.value().size(), 1U);
    EXPECT_EQ(rules.keys.minimum_rsa_bits, 3072);
    EXPECT_TRUE(rules.sid.allowed);
    EXPECT_TRUE(rules.sid.patterns);
}

TEST(ConfigRulesTest, SidsAndWildcardsHaveToBeAllowedByName) {
    EXPECT_FALSE(read("{}").rules.sid.allowed);
    EXPECT_FALSE(read("{}").rules.dns_wildcards);
    EXPECT_TRUE(read(R"({"sid": true})").rules.sid.allowed);
    EXPECT_FALSE(read(R"({"sid": false})").rules.sid.allowed);
}

TEST(ConfigRulesTest, NamesThePathOfEachFault) {
    EXPECT_EQ(fault_paths(R"({"subject": {"allowed": ["CN", "CNN"]}})"), ".subject.allowed[1] ");
    EXPECT_EQ(fault_paths(R"({"subject": {"patterns": {"CN": "("}}})"), ".subject.patterns.CN ");
    EXPECT_EQ(fault_paths(R"({"subject": {"patterns": {"CN": ["a", "("]}}})"),
              ".subject.patterns.CN[1] ");
    EXPECT_EQ(fault_paths(R"({"subject": {"patterns": {"CN": []}}})"), ".subject.patterns.CN ");
    EXPECT_EQ(fault_paths(R"({"subject": {"patterns": {"XX": "a"}}})"), ".subject.patterns.XX ");
    EXPECT_EQ(fault_paths(R"({"subject": {"patterns": {"CN": "a", "commonName": "b"}}})"),
              ".subject.patterns.commonName ");
    EXPECT_EQ(fault_paths(R"({"subject": {"allowed": ["CN"], "required": ["O"]}})"),
              ".subject.required[0] ");
    EXPECT_EQ(fault_paths(R"({"san": {"allowed": ["dns"], "required": ["upn"]}})"),
              ".san.required[0] ");
    EXPECT_EQ(fault_paths(R"({"san": {"allowed": ["dns", "otherName"]}})"), ".san.allowed[1] ");
    EXPECT_EQ(fault_paths(R"({"san": {"patterns": {"dsn": "a"}}})"), ".san.patterns.dsn ");
    EXPECT_EQ(fault_paths(R"({"dns_suffixes": ["*.example.com"]})"), ".dns_suffixes[0] ");
    EXPECT_EQ(fault_paths(R"({"dns_suffixes": ["bücher.example"]})"), ".dns_suffixes[0] ");
    EXPECT_EQ(fault_paths(R"({"upn_domains": ["@example.com"]})"), ".upn_domains[0] ");
    EXPECT_EQ(fault_paths(R"({"email_domains": ["x@example.com"]})"), ".email_domains[0] ");
    EXPECT_EQ(fault_paths(R"({"uri_prefixes": ["example.com"]})"), ".uri_prefixes[0] ");
    EXPECT_EQ(fault_paths(R"({"uri_prefixes": ["tag:microsoft.com,2022-09-14:sid:"]})"),
              ".uri_prefixes[0] ");
    EXPECT_EQ(fault_paths(R"({"ip_ranges": ["10.0.0.1/8"]})"), ".ip_ranges[0] ");
    EXPECT_EQ(fault_paths(R"({"keys": {"allowed": ["dsa"]}})"), ".keys.allowed[0] ");
    EXPECT_EQ(fault_paths(R"({"keys": {"minimum_rsa_bits": 1024}})"), ".keys.minimum_rsa_bits ");
    EXPECT_EQ(fault_paths(R"({"keys": {"minimum_rsa_bits": 4096, "maximum_rsa_bits": 3072}})"),
              ".keys.maximum_rsa_bits ");
    EXPECT_EQ(fault_paths(R"({"sid": "S-1-5"})"), ".sid ");
    EXPECT_EQ(fault_paths(R"({"sid": {}})"), ".sid.patterns ");
    EXPECT_EQ(fault_paths(R"({"dns_sufixes": []})"), ".dns_sufixes ");
}

TEST(ConfigRulesTest, WarnsOfAListThatHasNoEffect) {
    const Read made = read(R"({"san": {"allowed": ["upn"]}, "dns_suffixes": ["example.com"]})");
    ASSERT_EQ(made.faults.size(), 1U);
    EXPECT_TRUE(made.faults.front().warning);
    EXPECT_EQ(made.faults.front().path, "endpoints[0].rules.dns_suffixes");
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
