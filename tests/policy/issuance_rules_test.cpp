#include "policy/issuance_rules.hpp"

#include <gtest/gtest.h>

#include "certs/name_types.hpp"
#include "tests/policy/support/vectors.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

using certs::GeneralNameType;
using Below = DomainRange::Below;

Bytes attribute(std::string_view name) {
    return to_bytes(certs::find_name_type(name)->oid);
}

Patterns patterns(std::initializer_list<const char*> texts) {
    Patterns made;
    for (const char* text : texts)
        made.push_back(Pattern::compile(text).value());
    return made;
}

std::vector<DomainRange> domains(std::initializer_list<const char*> texts,
                                 Below below = Below::kIncluded) {
    std::vector<DomainRange> made;
    for (const char* text : texts)
        made.push_back(DomainRange::parse(text, below).value());
    return made;
}

/// What is about to be certified, and the rules for it; a test changes one thing.
struct Case {
    IssuanceRules rules;
    certs::Name subject = certs::Name::from_text("CN=device-1,O=Example Ltd").value();
    certs::GeneralNames names;
    std::optional<std::string> sid;
    std::optional<certs::PublicKey> key;

    Case() { rules.where = "endpoints[0].rules"; }

    void add(GeneralNameType type, std::string_view value) {
        names.push_back(certs::GeneralName::make(type, value).value());
    }
    std::optional<Refusal> judge() const {
        return judge_rules(rules, {subject, names, sid, key ? &*key : nullptr});
    }
    std::string code() const {
        const auto refusal = judge();
        return refusal ? refusal->code : "ok";
    }
    /// With one alternative name.
    std::string code_of(GeneralNameType type, std::string_view value) {
        names.clear();
        add(type, value);
        return code();
    }
    std::string code_of_subject(std::string_view text) {
        subject = certs::Name::from_text(text).value();
        return code();
    }
};

TEST(IssuanceRulesTest, WithoutAnyListEveryNameAndKeyPasses) {
    Case at;
    at.add(GeneralNameType::kDns, "host.example.com");
    at.add(GeneralNameType::kUpn, "user@example.com");
    at.add(GeneralNameType::kEmail, "user@example.com");
    at.add(GeneralNameType::kUri, "https://any.example/");
    at.add(GeneralNameType::kIp, "192.0.2.1");
    at.key = private_key("device").public_key();
    EXPECT_EQ(at.code(), "ok");
}

TEST(IssuanceRulesTest, TellsWhatWasExpectedAndFound) {
    Case at;
    at.rules.dns_suffixes = domains({"example.com", ".corp.example"});
    at.add(GeneralNameType::kDns, "host.example.com");
    at.add(GeneralNameType::kDns, "evil.net");
    const auto refusal = at.judge();
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->code, "RuleDnsName");
    EXPECT_EQ(refusal->fail_info, FailInfo::kBadRequest);
    EXPECT_FALSE(refusal->temporary);
    EXPECT_EQ(refusal->check, "dns_suffixes");
    EXPECT_EQ(refusal->expected, "example.com, .corp.example");
    EXPECT_EQ(refusal->found, "dns:evil.net");
    EXPECT_NE(refusal->hint.find("endpoints[0].rules.dns_suffixes"), std::string::npos);
    EXPECT_NE(refusal->text.find("dns:evil.net"), std::string::npos);
}

TEST(IssuanceRulesTest, N05_RefusesSubjectAttributesThatAreNotAllowed) {
    Case at;
    at.rules.subject.allowed = {attribute("CN"), attribute("O")};
    EXPECT_EQ(at.code(), "ok");
    EXPECT_EQ(at.code_of_subject("CN=device-1,OU=admins"), "RuleSubjectAttribute");
    EXPECT_EQ(at.code_of_subject("CN=device-1+UID=0,O=Example"), "RuleSubjectAttribute");
    EXPECT_EQ(at.code_of_subject("CN=device-1,1.3.6.1.4.1.99999.1=x"), "RuleSubjectAttribute");
    at.rules.subject.allowed = std::vector<Bytes>();
    EXPECT_EQ(at.code_of_subject(""), "ok");
    EXPECT_EQ(at.code_of_subject("CN=x"), "RuleSubjectAttribute");
}

TEST(IssuanceRulesTest, RefusesASubjectWithoutARequiredAttribute) {
    Case at;
    at.rules.subject.required = {attribute("CN"), attribute("O")};
    EXPECT_EQ(at.code(), "ok");
    EXPECT_EQ(at.code_of_subject("CN=device-1"), "RuleSubjectRequired");
    EXPECT_EQ(at.code_of_subject(""), "RuleSubjectRequired");
    EXPECT_EQ(at.code_of_subject("CN=device-1,O=\\ "), "RuleSubjectRequired") << "white space";
}

TEST(IssuanceRulesTest, N05_EveryValueOfAnAttributeHasToMatch) {
    Case at;
    at.rules.subject.patterns = {{attribute("CN"), patterns({"device-[0-9]+", "kiosk"})}};
    EXPECT_EQ(at.code(), "ok");
    EXPECT_EQ(at.code_of_subject("CN=kiosk,O=Example"), "ok");
    EXPECT_EQ(at.code_of_subject("O=Example"), "ok") << "required says whether there must be one";
    EXPECT_EQ(at.code_of_subject("CN=device-1,CN=admin"), "RuleSubjectPattern");
    EXPECT_EQ(at.code_of_subject("CN=device-1+CN=admin"), "RuleSubjectPattern");
    EXPECT_EQ(at.code_of_subject("CN=device-1/CN\\=admin"), "RuleSubjectPattern");
    EXPECT_EQ(at.code_of_subject("CN=xdevice-1"), "RuleSubjectPattern");
}

TEST(IssuanceRulesTest, RefusesTypesOfNamesThatAreNotAllowed) {
    Case at;
    at.rules.alternative_names.allowed = {GeneralNameType::kDns};
    EXPECT_EQ(at.code(), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "host.example.com"), "ok");
    for (const auto& [type, value] : {std::pair{GeneralNameType::kUpn, "user@example.com"},
                                      std::pair{GeneralNameType::kEmail, "user@example.com"},
                                      std::pair{GeneralNameType::kUri, "https://a.example/"},
                                      std::pair{GeneralNameType::kIp, "192.0.2.1"}}) {
        EXPECT_EQ(at.code_of(type, value), "RuleNameType") << value;
    }
}

TEST(IssuanceRulesTest, RefusesNamesWithoutARequiredType) {
    Case at;
    at.rules.alternative_names.required = {GeneralNameType::kUpn};
    EXPECT_EQ(at.code(), "RuleNameRequired");
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "host.example.com"), "RuleNameRequired");
    EXPECT_EQ(at.code_of(GeneralNameType::kUpn, "user@example.com"), "ok");
}

TEST(IssuanceRulesTest, N09_AnAccountTagIsNoUriOfOnesOwn) {
    Case at;
    at.rules.sid.allowed = true;
    at.rules.alternative_names.required = {GeneralNameType::kUri};
    EXPECT_EQ(
        at.code_of(GeneralNameType::kUri, "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-4"),
        "RuleNameRequired");
}

TEST(IssuanceRulesTest, RefusesNamesOutsideOfTheirDomains) {
    Case at;
    at.rules.dns_suffixes = domains({"example.com"});
    at.rules.upn_domains = domains({"example.com"}, Below::kOnlyWithDot);
    at.rules.email_domains = domains({"example.com"});
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "a.example.com"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "example.com.evil.net"), "RuleDnsName");
    EXPECT_EQ(at.code_of(GeneralNameType::kUpn, "user@EXAMPLE.com"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kUpn, "user@hr.example.com"), "RuleUpn");
    EXPECT_EQ(at.code_of(GeneralNameType::kUpn, "user"), "RuleUpn");
    EXPECT_EQ(at.code_of(GeneralNameType::kUpn, "admin@evil.net@example.com"), "RuleUpn");
    EXPECT_EQ(at.code_of(GeneralNameType::kUpn, "\xC3\xBCser@example.com"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kEmail, "user@mail.example.com"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kEmail, "user@notexample.com"), "RuleEmail");
}

TEST(IssuanceRulesTest, JudgesTheMailAddressInTheSubjectToo) {
    Case at;
    at.rules.email_domains = domains({"example.com"});
    EXPECT_EQ(at.code_of_subject("CN=x,emailAddress=x@example.com"), "ok");
    EXPECT_EQ(at.code_of_subject("CN=x,emailAddress=x@evil.net"), "RuleEmail");
    EXPECT_EQ(at.code_of_subject("CN=x,emailAddress=x@evil.net@example.com"), "RuleEmail");
}

TEST(IssuanceRulesTest, N08_RefusesWildcardsUnlessARuleSaysSo) {
    Case at;
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "*.example.com"), "RuleDnsName");
    at.rules.dns_suffixes = domains({"example.com"});
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "*.example.com"), "RuleDnsName");
    at.rules.dns_wildcards = true;
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "*.example.com"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "*.com"), "RuleDnsName");
}

TEST(IssuanceRulesTest, RefusesUrisAndAddressesOutsideOfTheirRanges) {
    Case at;
    at.rules.uri_prefixes = {UriRange::parse("https://a.example").value(),
                             UriRange::parse("urn:example:").value()};
    at.rules.ip_ranges = {IpRange::parse("192.0.2.0/24").value()};
    EXPECT_EQ(at.code_of(GeneralNameType::kUri, "urn:example:1"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kUri, "https://a.example/1"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kUri, "https://a.example@evil.com/"), "RuleUri");
    EXPECT_EQ(at.code_of(GeneralNameType::kIp, "192.0.2.77"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kIp, "::ffff:192.0.3.1"), "RuleIpAddress");
}

TEST(IssuanceRulesTest, AnEmptyListAllowsNoneOfItsType) {
    Case at;
    at.rules.dns_suffixes = domains({});
    EXPECT_EQ(at.code(), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "host.example.com"), "RuleDnsName");
    EXPECT_EQ(at.judge()->expected, "none");
}

TEST(IssuanceRulesTest, EveryNameOfATypeHasToMatchItsPatterns) {
    Case at;
    auto& by_type = at.rules.alternative_names.patterns;
    by_type[static_cast<std::size_t>(GeneralNameType::kDns)] = patterns({"host-[0-9]+\\.example"});
    by_type[static_cast<std::size_t>(GeneralNameType::kUpn)] = patterns({"[a-z]+@example\\.com"});
    EXPECT_EQ(at.code_of(GeneralNameType::kDns, "host-1.example"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kUri, "https://host.example"), "ok");
    EXPECT_EQ(at.code_of(GeneralNameType::kUpn, "admin1@example.com"), "RuleUpn");
    at.add(GeneralNameType::kDns, "host-1.example");
    at.names.erase(at.names.begin());
    at.add(GeneralNameType::kDns, "admin.example");
    EXPECT_EQ(at.code(), "RuleDnsName");
}

TEST(IssuanceRulesTest, N09_RefusesEverySpellingOfASidUnlessARuleSaysSo) {
    Case at;
    at.sid = "S-1-5-21-1-2-3-500";
    EXPECT_EQ(at.code(), "RuleSid");
    at.sid.reset();
    for (const char* spelling : {"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500",
                                 "TAG:Microsoft.COM,2022-09-14:SID:S-1-5-21-1-2-3-500"}) {
        EXPECT_EQ(at.code_of(GeneralNameType::kUri, spelling), "RuleSid") << spelling;
        at.rules.uri_prefixes = {UriRange::parse("tag:microsoft.com,").value()};
        EXPECT_EQ(at.code(), "RuleSid") << "uri_prefixes say nothing of accounts";
        at.rules.uri_prefixes.reset();
        at.rules.alternative_names.allowed = {GeneralNameType::kUri};
        EXPECT_EQ(at.code(), "RuleSid") << "neither do allowed types";
        at.rules.alternative_names.allowed.reset();
    }
}

TEST(IssuanceRulesTest, N09_KeepsASidThatTheRuleAllows) {
    Case at;
    at.rules.sid.allowed = true;
    at.rules.uri_prefixes = std::vector<UriRange>();
    at.sid = "S-1-5-21-1-2-3-1104";
    at.add(GeneralNameType::kUri, "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104");
    EXPECT_EQ(at.code(), "ok");
    at.rules.sid.patterns = patterns({"S-1-5-21-1-2-3-[0-9]{4,}"});
    EXPECT_EQ(at.code(), "ok");
    at.sid = "S-1-5-21-1-2-3-500";
    EXPECT_EQ(at.code(), "RuleSid") << "the administrator's";
    at.sid.reset();
    EXPECT_EQ(
        at.code_of(GeneralNameType::kUri, "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"),
        "RuleSid");
}

TEST(IssuanceRulesTest, N09_RefusesAccountTagsThatAreNoSid) {
    Case at;
    at.rules.sid.allowed = true;
    for (const char* name :
         {"tag:microsoft.com,2022-09-14:sid:", "tag:microsoft.com,2022-09-14:upn:x",
          "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500 ",
          "tag:microsoft.com,2022-09-14:sid:s-1-5-21-1-2-3-500",
          "tag:microsoft.com,2022-09-14%3Asid:S-1-5-21-1-2-3-500",
          "tag:microsoft.com,2030-01-01:sid:S-1-5-21-1-2-3-500"}) {
        if (!certs::GeneralName::make(GeneralNameType::kUri, name)) continue;  // white space
        EXPECT_EQ(at.code_of(GeneralNameType::kUri, name), "RuleSid") << name;
    }
}

TEST(IssuanceRulesTest, K01_RefusesKeysThatAreNotAllowed) {
    Case at;
    at.key = private_key("device").public_key();
    const std::string type = at.key->text();
    ASSERT_EQ(type, "rsa:2048");
    at.rules.keys.allowed = {"rsa"};
    EXPECT_EQ(at.code(), "ok");
    at.rules.keys.allowed = {"ec:p256", "ec:p384"};
    EXPECT_EQ(at.code(), "RuleKeyType");
    at.rules.keys.allowed.reset();
    at.rules.keys.minimum_rsa_bits = 2048;
    at.rules.keys.maximum_rsa_bits = 2048;
    EXPECT_EQ(at.code(), "ok");
    at.rules.keys.minimum_rsa_bits = 3072;
    at.rules.keys.maximum_rsa_bits.reset();
    EXPECT_EQ(at.code(), "RuleKeySize");
    at.key = certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value().public_key();
    EXPECT_EQ(at.code(), "ok") << "the size of RSA keys says nothing of others";
    const auto blocked = std::make_shared<certs::BlockedKeys>();
    at.rules.keys.blocked = blocked;
    EXPECT_EQ(at.code(), "ok");
    ASSERT_TRUE(blocked->add(to_hex(sha256(at.key->spki()))));
    EXPECT_EQ(at.code(), "RuleKeyBlocked");
    at.rules.keys.blocked.reset();
    at.rules.keys.allowed = {"ec:p384"};
    EXPECT_EQ(at.code(), "RuleKeyType");
    at.key.reset();
    EXPECT_EQ(at.code(), "ok") << "not known yet";
}

TEST(IssuanceRulesTest, ExplainsEveryRuleThatIsSet) {
    Case at;
    at.rules.subject.required = {attribute("OU")};
    at.rules.dns_suffixes = domains({"example.com"});
    at.add(GeneralNameType::kDns, "evil.net");
    std::string text;
    for (const RuleVerdict& verdict :
         explain_rules(at.rules, {at.subject, at.names, at.sid, nullptr})) {
        text += verdict.rule + (verdict.refusal ? ":" + verdict.refusal->code : "") + ' ';
    }
    EXPECT_EQ(text,
              "subject.required:RuleSubjectRequired dns_suffixes:RuleDnsName dns_wildcards sid ");
    EXPECT_EQ(at.code(), "RuleSubjectRequired") << "the first one decides";
}

TEST(IssuanceRulesTest, MessagesStayShort) {
    Case at;
    at.rules.subject.patterns = {{attribute("CN"), patterns({"x"})}};
    const std::string code = at.code_of_subject("CN=" + std::string(4000, 'a'));
    EXPECT_EQ(code, "RuleSubjectPattern");
    EXPECT_LT(at.judge()->text.size(), 1000U);
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
