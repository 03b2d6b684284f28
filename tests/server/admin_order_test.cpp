#include <gtest/gtest.h>

#include "server/admin/challenge_order.hpp"
#include "server/admin/form.hpp"

namespace scepgate::server::admin::this_file {
namespace {

std::string code_of(std::string_view json) {
    const auto order = read_order(json);
    return order ? "taken" : order.error().code;
}

TEST(ChallengeOrderTest, ReadsEverythingThatCanBeAskedFor) {
    const auto order = read_order(R"({
        "policy": "mdm", "subject": "CN=device-7,O=Example",
        "san": {"dns": ["a.example"], "upn": ["u@b.example"], "email": ["e@b.example"],
                "uri": ["https://b.example/x"], "ip": ["192.0.2.1"]},
        "key_usage": "both", "extended_key_usage": ["clientAuth"], "purpose": "signature",
        "max_validity": 86400, "expires_in": 600, "device_id": "d", "user_id": "u",
        "sid": "S-1-5-21-1-2-3-4", "endpoint": "/scep", "count": 3})");
    ASSERT_TRUE(order) << order.error().detail;
    EXPECT_EQ(order->policy, "mdm");
    EXPECT_EQ(order->count, 3U);
    const auto& parameters = order->parameters;
    EXPECT_EQ(parameters.subject.text(), "CN=device-7,O=Example");
    EXPECT_EQ(parameters.subject_alt_name.size(), 5U);
    EXPECT_EQ(parameters.key_usage->names().size(), 2U);
    EXPECT_EQ(parameters.extended_key_usage.size(), 1U);
    EXPECT_EQ(parameters.purpose, certs::Purpose::kSignature);
    EXPECT_EQ(parameters.max_validity, 86'400);
    EXPECT_EQ(parameters.lifetime, 600);
    EXPECT_EQ(parameters.sid, "S-1-5-21-1-2-3-4");
    EXPECT_EQ(parameters.endpoints, std::vector<std::string>{"/scep"});
}

TEST(ChallengeOrderTest, AnEmptyOrderSaysNothing) {
    const auto order = read_order("{}");
    ASSERT_TRUE(order);
    EXPECT_FALSE(order->count);
    EXPECT_FALSE(order->parameters.lifetime);
    EXPECT_TRUE(order->parameters.subject.empty());
}

TEST(ChallengeOrderTest, AnUnknownMemberIsRefusedWithTheNearestKnownOne) {
    const auto order = read_order(R"({"subjekt": "CN=a"})");
    ASSERT_FALSE(order);
    EXPECT_EQ(order.error().code, "unknown_member");
    EXPECT_NE(order.error().detail.find("'subject'"), std::string::npos);
    EXPECT_EQ(code_of(R"({"san": {"DNS": ["a.example"]}})"), "unknown_member");
}

TEST(ChallengeOrderTest, NothingIsConverted) {
    for (const char* json : {R"({"subject": 1})",
                             R"({"subject": ""})",
                             R"({"subject": null})",
                             R"({"subject": "CN"})",
                             R"({"san": []})",
                             R"({"san": {"dns": "a.example"}})",
                             R"({"san": {"dns": ["a b"]}})",
                             R"({"san": {"ip": ["1"]}})",
                             R"({"count": "1"})",
                             R"({"count": 0})",
                             R"({"count": 101})",
                             R"({"count": 1.0})",
                             R"({"count": -1})",
                             R"({"expires_in": 0})",
                             R"({"max_validity": 1e99})",
                             R"({"key_usage": "sign"})",
                             R"({"purpose": "x"})",
                             R"({"extended_key_usage": ["x"]})",
                             R"({"purpose": "signature", "template": "T"})",
                             "{\"device_id\": \"a\\u202eb\"}"}) {
        EXPECT_EQ(code_of(json), "bad_value") << json;
    }
}

TEST(ChallengeOrderTest, WhatIsGivenAndEmptyIsRefusedForItWouldBindNothing) {
    for (const char* json :
         {R"({"subject": "/"})", R"({"subject": " "})", R"({"san": {}})", R"({"san": {"dns": []}})",
          R"({"san": {"dns": ["a.example"], "upn": []}})", R"({"extended_key_usage": []})",
          R"({"sid": ""})", R"({"endpoint": ""})", R"({"endpoint": ["/scep"]})",
          R"({"template": ""})", R"({"purpose": ""})", R"({"key_usage": ""})"}) {
        EXPECT_EQ(code_of(json), "bad_value") << json;
    }
}

TEST(ChallengeOrderTest, WhatIsNoStrictJsonIsRefused) {
    for (const char* json : {"", "[]", "1", "{", "{}{}", R"({"count":1,"count":2})", "{/**/}",
                             "\xef\xbb\xbf{}", R"({"subject": "\ud800"})"}) {
        EXPECT_EQ(code_of(json), "malformed") << json;
    }
}

TEST(NdesOrderTest, KeyUsageIsTheOctetThatWindowsWrites) {
    EXPECT_EQ(read_ndes_order("0x80", "")->key_usage->text(), "digitalSignature");
    EXPECT_EQ(read_ndes_order("0x20", "")->key_usage->text(), "keyEncipherment");
    EXPECT_EQ(read_ndes_order("0XA0", "")->key_usage->names().size(), 2U);
    EXPECT_FALSE(read_ndes_order("", "")->key_usage);
    for (const char* other : {"128", "0x", "0x40", "0x8000", "0xzz", "a0"})
        EXPECT_FALSE(read_ndes_order(other, "")) << other;
}

TEST(NdesOrderTest, ParamsAreUrlEncodedNames) {
    const auto order = read_ndes_order(
        "", "subject=CN%3Ddevice&dns=a.example&dns=b.example&upn=u%40c.example&device_id=d+1");
    ASSERT_TRUE(order) << order.error().detail;
    EXPECT_EQ(order->subject.text(), "CN=device");
    EXPECT_EQ(certs::to_text(order->subject_alt_name),
              "dns:a.example, dns:b.example, upn:u@c.example");
    EXPECT_EQ(order->device_id, "d 1");
}

TEST(NdesOrderTest, WhatIsNotUnderstoodIsRefused) {
    for (const char* params :
         {"CN=device", "subject", "subject=", "subject=CN%3Da&subject=CN%3Db", "subject=%zz",
          "dns=a%00b", "device_id=a&device_id=b", "x=1", "dns=a%20b", "user_id=%ff", "subject=+",
          "subject=%2F", "dns=", "sid=", "&"}) {
        EXPECT_FALSE(read_ndes_order("", params)) << params;
    }
}

TEST(FormTest, IsBounded) {
    std::string many;
    for (int i = 0; i < 64; ++i)
        many += "a=b&";
    EXPECT_TRUE(parse_form(many));
    EXPECT_FALSE(parse_form(many + "a=b"));
}

TEST(FormTest, DecodesOnce) {
    const auto form = parse_form("a%20b=c+d%2526&&e=");
    ASSERT_TRUE(form);
    ASSERT_EQ(form->size(), 2U);
    EXPECT_EQ(form->front(), (std::pair<std::string, std::string>("a b", "c d%26")));
    EXPECT_EQ(decode_segment("a+b%2Fc").value(), "a+b/c");
}

}  // namespace
}  // namespace scepgate::server::admin::this_file
