#include "policy/challenge_claims.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/policy/support/vectors.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

using nlohmann::json;

json good() {
    return json::parse(read_vector("claims.json"));
}

TEST(ChallengeClaimsTest, AreReadInFull) {
    json text = good();
    text["template"] = "DeviceGeneral";
    text["purpose"] = "general_purpose";
    text["max_validity"] = 86400;
    text["user_id"] = "user-1";
    text["sid"] = "S-1-5-21-1-2-3-1001";
    text["crit"] = {"sid", "purpose"};
    text["location"] = "an unknown claim";
    const auto claims = parse_claims(text.dump());
    ASSERT_TRUE(claims) << claims.error().detail;
    EXPECT_EQ(claims->id, "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(claims->issuer, to_hex(certificate("signer-ec").fingerprint()));
    EXPECT_EQ(claims->audience, "https://scep.example/mdm");
    EXPECT_EQ(claims->issued_at, kIssuedAt);
    EXPECT_EQ(claims->not_before, kIssuedAt);
    EXPECT_EQ(claims->expires, kExpires);
    EXPECT_EQ(claims->subject.text(), "CN=device-0001,O=Example Ltd");
    EXPECT_EQ(to_text(claims->subject_alt_name),
              "dns:device-0001.example.com, upn:user@example.com");
    EXPECT_EQ(claims->key_usage->text(), "digitalSignature, keyEncipherment");
    EXPECT_EQ(certs::to_text(*claims->extended_key_usage), "clientAuth");
    EXPECT_EQ(claims->key.types, (std::vector<std::string>{"rsa", "ec:p256"}));
    EXPECT_EQ(claims->key.minimum_bits, 2048);
    EXPECT_EQ(claims->template_name, "DeviceGeneral");
    EXPECT_EQ(claims->purpose, certs::Purpose::kGeneralPurpose);
    EXPECT_EQ(claims->max_validity, 86400);
    EXPECT_EQ(claims->device_id, "device-0001");
    EXPECT_EQ(claims->user_id, "user-1");
    EXPECT_EQ(claims->sid, "S-1-5-21-1-2-3-1001");
}

TEST(ChallengeClaimsTest, ComeBackAsTheyWereWritten) {
    ChallengeClaims claims = testing::claims();
    claims.template_name = "Gerät \"1\"";
    claims.purpose = certs::Purpose::kSignature;
    claims.max_validity = 3600;
    claims.sid = "S-1-5-21-1-2-3-1001";
    claims.user_id = "user-1";
    const std::string text = encode_claims(claims);
    const auto again = parse_claims(text);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(encode_claims(*again), text);
    EXPECT_EQ(again->subject.der(), claims.subject.der());
    EXPECT_EQ(again->template_name, claims.template_name);
}

TEST(ChallengeClaimsTest, NameOneEndpointOrSeveralAndAnOlderReaderHasToRefuseThem) {
    using Names = std::vector<std::string>;
    json text = good();
    EXPECT_EQ(parse_claims(text.dump())->endpoints, Names{});
    text["endpoint"] = "/scep";
    text["crit"] = {"endpoint"};
    EXPECT_EQ(parse_claims(text.dump())->endpoints, Names{"/scep"});
    text["endpoint"] = {"/scep", "laptops"};
    EXPECT_EQ(parse_claims(text.dump())->endpoints, (Names{"/scep", "laptops"}));

    ChallengeClaims claims = testing::claims();
    EXPECT_FALSE(json::parse(encode_claims(claims)).contains("crit"));
    for (const Names& names : {Names{"/scep"}, Names{"/scep", "laptops"}}) {
        claims.endpoints = names;
        const std::string made = encode_claims(claims);
        EXPECT_EQ(json::parse(made).at("crit"), json::array({"endpoint"}));
        EXPECT_EQ(parse_claims(made)->endpoints, names);
        const std::string bound = encode_bindings(claims);
        EXPECT_FALSE(json::parse(bound).contains("crit")) << "nothing is passed over there";
        EXPECT_EQ(parse_bindings(bound)->endpoints, names);
    }
}

TEST(ChallengeClaimsTest, NeedOnlyTheRequiredOnes) {
    json text;
    const json all = good();
    for (const char* name : {"v", "jti", "iss", "aud", "iat", "nbf", "exp", "subject"}) {
        text[name] = all[name];
    }
    const auto claims = parse_claims(text.dump());
    ASSERT_TRUE(claims) << claims.error().detail;
    EXPECT_TRUE(claims->subject_alt_name.empty());
    EXPECT_FALSE(claims->key_usage);
    EXPECT_FALSE(claims->extended_key_usage);
    EXPECT_TRUE(claims->key.types.empty());
    EXPECT_FALSE(claims->key.minimum_bits);
}

TEST(ChallengeClaimsTest, N06_MayHaveAnEmptySubjectWithAnAlternativeName) {
    json text = good();
    text["subject"] = {{"text", ""}};
    EXPECT_TRUE(parse_claims(text.dump()));
    text.erase("san");
    EXPECT_FALSE(parse_claims(text.dump()));
}

class RequiredClaimTest : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(C02, RequiredClaimTest,
                         ::testing::Values("v", "jti", "iss", "aud", "iat", "nbf", "exp",
                                           "subject"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(RequiredClaimTest, MayNotBeMissingOrNull) {
    json text = good();
    text[GetParam()] = nullptr;
    EXPECT_FALSE(parse_claims(text.dump()));
    text.erase(GetParam());
    EXPECT_FALSE(parse_claims(text.dump()));
}

struct Change {
    const char* name;
    const char* claim;
    const char* value;  ///< JSON
};

std::ostream& operator<<(std::ostream& out, const Change& change) {
    return out << change.claim << " = " << change.value;
}

const Change kChanges[] = {
    {"OtherVersion", "v", "2"},
    {"VersionAsText", "v", "\"1\""},
    {"ShortId", "jti", "\"0123456789abcdef\""},
    {"IdNotHex", "jti", "\"0123456789abcdef0123456789abcdeg\""},
    {"EmptyAudience", "aud", "\"\""},
    {"AudienceList", "aud", "[\"https://scep.example/mdm\"]"},
    {"IssuerNotAHash", "iss", "\"mdm\""},
    {"NegativeTime", "nbf", "-1"},
    {"FractionalTime", "exp", "1800003600.0"},
    {"ExponentTime", "exp", "18e8"},
    {"TimeAsText", "exp", "\"1800003600\""},
    {"TimeAfterYear9999", "exp", "253402300800"},
    {"TimeOver64Bits", "exp", "18446744073709551616"},
    {"TrueAsTime", "iat", "true"},
    {"SubjectAsText", "subject", "\"CN=device-0001\""},
    {"SubjectWithoutForm", "subject", "{}"},
    {"SubjectInSlashForm", "subject", R"({"text":"/O=Example Ltd/CN=device-0001"})"},
    {"SubjectNotAName", "subject", R"({"text":"device-0001"})"},
    {"SubjectWithUnknownMember", "subject", R"({"text":"CN=a","cn":"b"})"},
    {"SubjectFormsDiffer", "subject", R"({"text":"CN=b","der":"MAwxCjAIBgNVBAMMAWE="})"},
    {"SubjectDerNotBase64", "subject", R"({"der":"MAwxCjAIBgNVBAMMAWE"})"},
    {"SubjectDerTrailing", "subject", R"({"der":"MAwxCjAIBgNVBAMMAWEA"})"},
    {"SubjectWithNul", "subject", R"({"text":"CN=a\u0000b"})"},
    {"SubjectWithBidiOverride", "subject", R"({"text":"CN=a\u202eb"})"},
    {"SubjectOverItsBound", "subject",
     R"({"text":"CN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})"},
    {"RegisteredKeyNotAHash", "key", R"({"spki_sha256":"00"})"},
    {"RegisteredKeyNotText", "key", R"({"spki_sha256":1})"},
    {"SanAsObject", "san", R"({"type":"dns","value":"a.example"})"},
    {"SanOfUnknownType", "san", R"([{"type":"directory","value":"CN=a"}])"},
    {"SanWithoutValue", "san", R"([{"type":"dns"}])"},
    {"SanWithUnknownMember", "san", R"([{"type":"dns","value":"a.example","critical":true}])"},
    {"SanNotAHost", "san", R"([{"type":"dns","value":"a b"}])"},
    {"SanWithNul", "san", R"([{"type":"upn","value":"a\u0000@b.example"}])"},
    {"SanBadAddress", "san", R"([{"type":"ip","value":"192.0.2"}])"},
    {"KeyUsageEmpty", "key_usage", "[]"},
    {"KeyUsageUnknown", "key_usage", R"(["signing"])"},
    {"KeyUsageAsText", "key_usage", R"("digitalSignature")"},
    {"ExtendedKeyUsageEmpty", "extended_key_usage", "[]"},
    {"ExtendedKeyUsageUnknown", "extended_key_usage", R"(["client"])"},
    {"KeyAsText", "key", R"("rsa:2048")"},
    {"KeyWithUnknownMember", "key", R"({"maximum_bits":4096})"},
    {"KeyOfNoType", "key", R"({"types":[]})"},
    {"KeyOfUnknownType", "key", R"({"types":["ed25519"]})"},
    {"KeyBitsAsText", "key", R"({"minimum_bits":"2048"})"},
    {"KeyBitsBeyondAll", "key", R"({"minimum_bits":16385})"},
    {"TemplateEmpty", "template", "\"\""},
    {"PurposeUnknown", "purpose", "\"ca\""},
    {"ValidityZero", "max_validity", "0"},
    {"SidNotOne", "sid", "\"S-1-5-21-\""},
    {"SidInHex", "sid", "\"S-1-5-0x15-1-2-3-500\""},
    {"DeviceAsNumber", "device_id", "7"},
    {"DeviceNull", "device_id", "null"},
    {"EndpointEmpty", "endpoint", "\"\""},
    {"EndpointOfNobody", "endpoint", "[]"},
    {"EndpointAsNumber", "endpoint", "7"},
    {"EndpointNull", "endpoint", "null"},
    {"EndpointAsObject", "endpoint", R"({"name":"/scep"})"},
    {"EndpointWithANumber", "endpoint", R"(["/scep",7])"},
    {"CriticalUnknown", "crit", R"(["sid","location"])"},
    {"CriticalAsText", "crit", "\"sid\""},
};

class ClaimChangeTest : public ::testing::TestWithParam<Change> {};

INSTANTIATE_TEST_SUITE_P(C10, ClaimChangeTest, ::testing::ValuesIn(kChanges),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(ClaimChangeTest, IsRefused) {
    // Spliced in as text, so that numbers arrive as written.
    json text = good();
    text.erase(GetParam().claim);
    std::string json_text = text.dump();
    json_text.pop_back();
    json_text += std::string(",\"") + GetParam().claim + "\":" + GetParam().value + "}";
    const auto claims = parse_claims(json_text);
    ASSERT_FALSE(claims);
    EXPECT_EQ(claims.error().code, Errc::kMalformed) << claims.error().detail;
}

TEST(ChallengeClaimsTest, C10_HaveAtMostAHundredAlternativeNames) {
    json text = good();
    text["san"] = json::array();
    for (int i = 0; i < 100; ++i)
        text["san"].push_back({{"type", "dns"}, {"value", "d" + std::to_string(i) + ".example"}});
    EXPECT_TRUE(parse_claims(text.dump()));
    text["san"].push_back({{"type", "dns"}, {"value", "d100.example"}});
    EXPECT_FALSE(parse_claims(text.dump()));
}

TEST(ChallengeClaimsTest, SayThatTheSubjectsFormsAreInReverseOrder) {
    json text = good();
    const auto name = certs::Name::from_text("CN=device-0001,O=Example Ltd").value();
    text["subject"] = {{"text", "O=Example Ltd,CN=device-0001"}, {"der", to_base64(name.der())}};
    const auto claims = parse_claims(text.dump());
    ASSERT_FALSE(claims);
    EXPECT_NE(claims.error().detail.find("reverse order"), std::string::npos);
}

TEST(ChallengeClaimsTest, AreNotTakenInOtherShapes) {
    for (const char* text : {"[]", "1", "\"x\"", "null", "{}", "", "not json"}) {
        EXPECT_FALSE(parse_claims(text)) << text;
    }
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
