#include "policy/webhook_answer.hpp"

#include <gtest/gtest.h>

namespace scepgate::policy::this_file {
namespace {

/// "ok", or what is wrong.
std::string outcome(const std::string& json) {
    const auto answer = parse_webhook_answer(json);
    if (answer) return "ok";
    EXPECT_EQ(answer.error().code, Errc::kMalformed);
    return answer.error().detail;
}

std::string allow(const std::string& members) {
    return R"({"decision":"allow",)" + members + "}";
}

TEST(WebhookAnswerTest, ReadsAnAllowWithEverything) {
    const auto answer = parse_webhook_answer(allow(R"(
        "reason":"known", "subject":{"text":"CN=a,O=b"},
        "san":[{"type":"dns","value":"a.example"},{"type":"uri",
                "value":"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"}],
        "key_usage":["digitalSignature"], "extended_key_usage":["clientAuth","1.2.3"],
        "template":"T", "max_validity":86400, "device_id":"d", "user_id":"u",
        "sid":"S-1-5-21-1-2-3-500", "approval":false, "once":"x")"));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_TRUE(answer->allow);
    EXPECT_EQ(answer->reason, "known");
    EXPECT_EQ(answer->names->subject.text(), "CN=a,O=b");
    EXPECT_EQ(answer->names->subject_alt_name.size(), 2U);
    EXPECT_EQ(answer->key_usage->text(), "digitalSignature");
    EXPECT_EQ(certs::to_text(*answer->extended_key_usage), "clientAuth, 1.2.3");
    EXPECT_EQ(answer->template_name, "T");
    EXPECT_EQ(answer->max_validity, 86'400);
    EXPECT_EQ(answer->device_id, "d");
    EXPECT_EQ(answer->user_id, "u");
    EXPECT_EQ(answer->sid, "S-1-5-21-1-2-3-500");
    EXPECT_FALSE(answer->approval);
    EXPECT_EQ(answer->once, "x");
}

TEST(WebhookAnswerTest, WhatIsAbsentIsNotGranted) {
    const auto answer = parse_webhook_answer(R"({"decision":"allow"})");
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->names || answer->key_usage || answer->extended_key_usage ||
                 answer->template_name || answer->max_validity || answer->sid || answer->once ||
                 answer->approval);
    EXPECT_TRUE(answer->reason.empty() && answer->device_id.empty() && answer->user_id.empty());
}

TEST(WebhookAnswerTest, AnEmptySubjectNeedsAlternativeNames) {
    EXPECT_EQ(outcome(allow(R"("subject":{"text":""},"san":[{"type":"dns","value":"a.example"}])")),
              "ok");
    EXPECT_NE(outcome(allow(R"("subject":{"text":""})")), "ok");
    EXPECT_NE(outcome(allow(R"("subject":{"text":""},"san":[])")), "ok");
    EXPECT_NE(outcome(allow(R"("san":[{"type":"dns","value":"a.example"}])")), "ok");
    EXPECT_NE(outcome(allow(R"("san":[])")), "ok");
}

class WebhookAnswerRefused : public ::testing::TestWithParam<const char*> {};

TEST_P(WebhookAnswerRefused, IsMalformed) {
    EXPECT_NE(outcome(GetParam()), "ok");
}

INSTANTIATE_TEST_SUITE_P(
    Whole, WebhookAnswerRefused,
    ::testing::Values("", " ", "null", "true", "\"allow\"", "[]", R"([{"decision":"allow"}])", "{}",
                      R"({"decision":"allow"}})", R"({"decision":"allow"} {})",
                      R"({"decision":"deny","decision":"allow"})", R"({"decision":"allow",})",
                      R"(// yes
{"decision":"allow"})",
                      "\xEF\xBB\xBF{\"decision\":\"allow\"}", R"({"Decision":"allow"})",
                      R"({"reason":"x"})", "{\"decision\":\"allow\"\x01}",
                      "{\"decision\":\"allow\",\"reason\":\"\xFF\"}"));

INSTANTIATE_TEST_SUITE_P(
    Decision, WebhookAnswerRefused,
    ::testing::Values(R"({"decision":""})", R"({"decision":"Allow"})", R"({"decision":"allow "})",
                      R"({"decision":"ALLOW"})", R"({"decision":true})", R"({"decision":1})",
                      R"({"decision":null})", R"({"decision":["allow"]})",
                      R"({"decision":{"allow":true}})", R"({"decision":"pending"})",
                      R"({"decision":"deny","subject":{"text":"CN=a"}})",
                      R"({"decision":"deny","approval":true})", R"({"decision":"deny","x":1})"));

INSTANTIATE_TEST_SUITE_P(
    Members, WebhookAnswerRefused,
    ::testing::Values(
        R"({"decision":"allow","x":1})", R"({"decision":"allow","Subject":{"text":"CN=a"}})",
        R"({"decision":"allow","key":{"types":["rsa"]}})",
        R"({"decision":"allow","purpose":"signature"})", R"({"decision":"allow","reason":""})",
        R"({"decision":"allow","reason":1})", R"({"decision":"allow","reason":"a\u0000b"})",
        R"({"decision":"allow","reason":"a\nb"})", R"({"decision":"allow","subject":"CN=a"})",
        R"({"decision":"allow","subject":{}})", R"({"decision":"allow","subject":null})",
        R"({"decision":"allow","subject":{"text":"/CN=a"}})",
        R"({"decision":"allow","subject":{"text":"CN=a","x":1}})",
        R"({"decision":"allow","subject":{"der":"AAAA"}})",
        R"({"decision":"allow","subject":{"text":"CN=a"},"san":{}})",
        R"({"decision":"allow","subject":{"text":"CN=a"},"san":[{"type":"dns"}]})",
        R"({"decision":"allow","subject":{"text":"CN=a"},"san":["dns:a.example"]})",
        R"({"decision":"allow","subject":{"text":"CN=a"},"san":[{"type":"dirName","value":"x"}]})",
        R"({"decision":"allow","subject":{"text":"CN=a"},"san":[{"type":"dns","value":"a b"}]})",
        R"({"decision":"allow","key_usage":[]})",
        R"({"decision":"allow","key_usage":["keySigning"]})",
        R"({"decision":"allow","key_usage":"digitalSignature"})",
        R"({"decision":"allow","extended_key_usage":[]})",
        R"({"decision":"allow","extended_key_usage":["not an oid"]})",
        R"({"decision":"allow","template":""})", R"({"decision":"allow","template":1})",
        R"({"decision":"allow","max_validity":0})", R"({"decision":"allow","max_validity":-1})",
        R"({"decision":"allow","max_validity":1.5})", R"({"decision":"allow","max_validity":"1h"})",
        R"({"decision":"allow","max_validity":1e30})", R"({"decision":"allow","sid":"S-1"})",
        R"({"decision":"allow","sid":null})", R"({"decision":"allow","device_id":""})",
        R"({"decision":"allow","user_id":7})", R"({"decision":"allow","approval":"true"})",
        R"({"decision":"allow","approval":1})", R"({"decision":"allow","approval":null})",
        R"({"decision":"allow","once":""})", R"({"decision":"allow","once":true})",
        R"({"decision":"allow","once":null})"));

TEST(WebhookAnswerTest, N09_AnAccountNameMustBeTheGrantedSid) {
    const std::string names =
        R"("subject":{"text":"CN=a"},"san":[{"type":"uri",
           "value":"tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"}])";
    EXPECT_NE(outcome(allow(names)), "ok");
    EXPECT_NE(outcome(allow(names + R"(,"sid":"S-1-5-21-1-2-3-501")")), "ok");
    EXPECT_EQ(outcome(allow(names + R"(,"sid":"S-1-5-21-1-2-3-500")")), "ok");
}

TEST(WebhookAnswerTest, IsBounded) {
    const auto with_reason = [](std::size_t octets) {
        return allow("\"reason\":\"" + std::string(octets, 'x') + '"');
    };
    EXPECT_EQ(outcome(with_reason(1000)), "ok");
    EXPECT_NE(outcome(with_reason(1001)), "ok");
    EXPECT_EQ(outcome(R"({"decision":"allow")" + std::string(60'000, ' ') + "}"), "ok");
    EXPECT_NE(outcome(R"({"decision":"allow")" + std::string(kMaxWebhookAnswer, ' ') + "}"), "ok");
    EXPECT_NE(outcome(allow("\"once\":\"" + std::string(1001, 'x') + '"')), "ok");
    EXPECT_NE(outcome(allow("\"reason\":" + std::string(20, '[') + std::string(20, ']'))), "ok");
}

}  // namespace
}  // namespace scepgate::policy::this_file
