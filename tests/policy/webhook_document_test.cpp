// The examples of docs/webhook.md are what this server sends and takes.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "policy/webhook_answer.hpp"
#include "policy/webhook_signature.hpp"

namespace scepgate::policy::this_file {
namespace {

constexpr std::int64_t kTime = 1'800'000'060;
constexpr std::string_view kId = "0123456789abcdef0123456789abcdef";

const std::string& document() {
    static const std::string text = [] {
        std::ifstream file(SCEPGATE_TEST_DATA "/../../docs/webhook.md");
        return std::string(std::istreambuf_iterator<char>(file), {});
    }();
    return text;
}

/// The block behind the comment that names it.
std::string vector(const std::string& name) {
    const std::string mark = "<!-- vector: " + name + " -->\n```";
    const std::size_t at = document().find(mark);
    if (at == std::string::npos) return "no vector " + name;
    const std::size_t begin = document().find('\n', at + mark.size()) + 1;
    return document().substr(begin, document().find("\n```", begin) - begin);
}

WebhookKeys keys() {
    std::vector<Secret> all;
    all.emplace_back(std::string_view("correct-horse-battery-staple-0123456789"));
    return WebhookKeys(std::move(all));
}

TEST(WebhookDocumentTest, TheRequestHasItsSignature) {
    EXPECT_EQ(keys().sign(kTime, vector("request")), vector("request-signature"));
}

TEST(WebhookDocumentTest, TheAnswerIsTakenWithItsSignature) {
    const std::string body = vector("answer");
    EXPECT_TRUE(keys().verifies_answer(vector("answer-signature"), kTime, kId, body));
    const auto answer = parse_webhook_answer(body);
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_TRUE(answer->allow);
    ASSERT_TRUE(answer->names);
    EXPECT_EQ(answer->names->subject.text(), "CN=device1,O=Example");
    EXPECT_EQ(certs::to_text(answer->names->subject_alt_name), "dns:device1.example");
    EXPECT_EQ(answer->once, "ticket-4711");
}

TEST(WebhookDocumentTest, TheDenialIsOne) {
    const auto answer = parse_webhook_answer(vector("answer-deny"));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_FALSE(answer->allow);
    EXPECT_EQ(answer->reason, "the device is not in the inventory");
}

}  // namespace
}  // namespace scepgate::policy::this_file
