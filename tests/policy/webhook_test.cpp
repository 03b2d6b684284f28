#include "policy/webhook.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "certs/oids.hpp"
#include "policy/webhook_request.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kSid = "S-1-5-21-1-2-3-500";
constexpr std::string_view kChallenge = "open \"sesame\"\\ \xC3\xA9";

WebhookKeys keys() {
    std::vector<Secret> all;
    all.emplace_back(kKey);
    return WebhookKeys(std::move(all));
}

/// Answers as the test says, and keeps what it was asked.
class FakeService final : public HttpClient {
public:
    HttpAnswer answer{200, {{"content-type", "application/json"}}, R"({"decision":"allow"})"};
    bool down = false;
    bool sign = false;
    HttpCall asked;
    int calls = 0;

    boost::asio::awaitable<Result<HttpAnswer>> send(HttpCall call) override {
        ++calls;
        asked = std::move(call);
        if (down) co_return Error{Errc::kUnavailable, "hook.example: no answer in time"};
        HttpAnswer given = answer;
        if (sign) {
            given.fields.emplace_back("x-scepgate-signature",
                                      keys().sign_answer(kNow, field("X-Scepgate-Id"), given.body));
        }
        co_return given;
    }
    [[nodiscard]] std::string field(std::string_view name) const {
        for (const auto& [key, value] : asked.fields)
            if (key == name) return value;
        return "none";
    }
    [[nodiscard]] nlohmann::json body() const { return nlohmann::json::parse(asked.body.text()); }
};

class WebhookModuleTest : public ::testing::Test {
protected:
    WebhookModule module(bool send_challenge = false, bool require_signed_answer = false) {
        return {WebhookSettings{"hook", "https://hook.example/verify", keys(), send_challenge,
                                require_signed_answer},
                service_, std::make_shared<certs::FixedClock>(kNow)};
    }
    Result<Grant, Refusal> ask(const certs::CsrContents& contents = matching_contents(kChallenge)) {
        auto hook = module();
        return verify(hook, request(contents));
    }
    Result<Grant, Refusal> answered(std::string body,
                                    const certs::CsrContents& contents = matching_contents()) {
        service_->answer.body = std::move(body);
        return ask(contents);
    }

    std::shared_ptr<FakeService> service_ = std::make_shared<FakeService>();
};

certs::CsrContents asking_for_sid(std::string_view sid) {
    auto contents = matching_contents();
    contents.more_extensions = {certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                                        certs::encode_sid_extension(sid))};
    return contents;
}

TEST_F(WebhookModuleTest, AsksWithTheDecodedRequestAndASignature) {
    const EnrollmentRequest asked = request(matching_contents(kChallenge));
    auto hook = module();
    ASSERT_EQ(outcome(verify(hook, asked)), "ok");
    EXPECT_EQ(service_->asked.method, "POST");
    EXPECT_EQ(service_->asked.url, "https://hook.example/verify");
    EXPECT_EQ(service_->field("Content-Type"), "application/json");
    EXPECT_EQ(service_->field("X-Scepgate-Timestamp"), std::to_string(kNow));
    EXPECT_EQ(service_->field("X-Scepgate-Signature"),
              keys().sign(kNow, service_->asked.body.text()));
    const auto body = service_->body();
    EXPECT_EQ(body["id"], service_->field("X-Scepgate-Id"));
    EXPECT_EQ(body["id"].get<std::string>().size(), 32U);
    EXPECT_EQ(body["version"], 1);
    EXPECT_EQ(body["event"], "verify");
    EXPECT_EQ(body["time"], certs::utc_text(kNow));
    EXPECT_EQ(body["endpoint"], "/scep");
    EXPECT_EQ(body["transaction_id"], "1");
    EXPECT_EQ(body["message_type"], "PKCSReq");
    EXPECT_EQ(body["kind"], "initial");
    EXPECT_EQ(body["purpose"], "general_purpose");
    EXPECT_EQ(body["client_address"], "192.0.2.1");
    EXPECT_EQ(body["subject"]["text"], "CN=device-0001,O=Example Ltd");
    EXPECT_EQ(body["subject"]["der"], to_base64(asked.csr.subject().der()));
    EXPECT_EQ(body["san"][1], nlohmann::json({{"type", "upn"}, {"value", "user@example.com"}}));
    EXPECT_EQ(body["key"]["spki_sha256"], to_hex(sha256(asked.csr.public_key().spki())));
    EXPECT_EQ(body["key_usage"], nlohmann::json::array({"digitalSignature", "keyEncipherment"}));
    EXPECT_EQ(body["extended_key_usage"], nlohmann::json::array({"clientAuth"}));
    EXPECT_EQ(body["signer"], to_base64(asked.signer.der()));
    EXPECT_FALSE(body.contains("sid"));
}

TEST_F(WebhookModuleTest, EachRequestHasAnIdOfItsOwn) {
    ASSERT_EQ(outcome(ask()), "ok");
    const std::string first = service_->field("X-Scepgate-Id");
    ASSERT_EQ(outcome(ask()), "ok");
    EXPECT_NE(service_->field("X-Scepgate-Id"), first);
}

TEST_F(WebhookModuleTest, KeepsTheChallengeToItself) {
    ASSERT_EQ(outcome(ask()), "ok");
    EXPECT_FALSE(service_->body().contains("challenge"));
    const Bytes sent = from_base64(service_->body()["csr"].get<std::string>()).value();
    EXPECT_EQ(as_text(sent).find("sesame"), std::string::npos);
    const EnrollmentRequest asked = request(matching_contents(kChallenge));
    EXPECT_EQ(as_text(asked.csr.der()).find("sesame") == std::string::npos, false);
    EXPECT_LT(sent.size(), asked.csr.der().size());
}

TEST_F(WebhookModuleTest, SendsTheChallengeWhenToldTo) {
    auto hook = module(true);
    ASSERT_EQ(outcome(verify(hook, request(matching_contents(kChallenge)))), "ok");
    EXPECT_EQ(service_->body()["challenge"], kChallenge);
    const Bytes sent = from_base64(service_->body()["csr"].get<std::string>()).value();
    EXPECT_EQ(as_text(sent).find("sesame"), std::string::npos) << "it stands by itself";
    ASSERT_EQ(outcome(verify(hook, request(matching_contents()))), "ok");
    EXPECT_FALSE(service_->body().contains("challenge"));
}

TEST_F(WebhookModuleTest, WhatIsLeftOfTheCsrHasItsOtherAttributes) {
    const auto with = request(matching_contents(kChallenge)).csr;
    const auto none = request(matching_contents()).csr;
    const auto info = [](ByteView der) {
        certs::DerReader outer(der);
        certs::DerReader parts(outer.read(certs::DerTag::kSequence).value());
        return to_bytes(parts.read_whole(certs::DerTag::kSequence).value());
    };
    const Bytes sent = without_challenge(with);
    EXPECT_EQ(info(sent), info(none.der())) << "as one that never had a challenge";
    EXPECT_EQ(without_challenge(none), to_bytes(none.der()));
}

TEST_F(WebhookModuleTest, AnAllowWithoutNamesGrantsThoseOfTheCsr) {
    const EnrollmentRequest asked = request(matching_contents());
    auto hook = module();
    const auto grant = verify(hook, asked);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().der(), asked.csr.subject().der());
    EXPECT_EQ(grant->subject_alt_name(), asked.csr.requested().subject_alt_name);
    EXPECT_EQ(grant->public_key(), asked.csr.public_key());
    EXPECT_EQ(grant->policy(), "hook");
    EXPECT_FALSE(grant->key_usage() || grant->extended_key_usage() || grant->template_name() ||
                 grant->max_validity() || grant->redemption() || grant->sid() ||
                 grant->needs_approval());
}

TEST_F(WebhookModuleTest, AnAllowWithNamesGrantsExactlyThese) {
    const auto grant = answered(R"({"decision":"allow","reason":"known",
        "subject":{"text":"CN=given,O=Example"},"san":[{"type":"dns","value":"given.example"}],
        "key_usage":["digitalSignature"],"extended_key_usage":["serverAuth"],
        "template":"Web","max_validity":3600,"device_id":"d1","user_id":"u1",
        "sid":"S-1-5-21-1-2-3-500","approval":true,"once":"token-1"})");
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().text(), "CN=given,O=Example");
    EXPECT_EQ(certs::to_text(grant->subject_alt_name()), "dns:given.example");
    EXPECT_EQ(grant->key_usage()->text(), "digitalSignature");
    EXPECT_EQ(certs::to_text(*grant->extended_key_usage()), "serverAuth");
    EXPECT_EQ(grant->template_name(), "Web");
    EXPECT_EQ(grant->max_validity(), 3600);
    EXPECT_EQ(grant->device_id(), "d1");
    EXPECT_EQ(grant->user_id(), "u1");
    EXPECT_EQ(grant->sid(), kSid);
    EXPECT_TRUE(grant->needs_approval());
    ASSERT_TRUE(grant->redemption());
    EXPECT_EQ(grant->redemption()->token, to_bytes(sha256(as_bytes("token-1"))));
}

TEST_F(WebhookModuleTest, ASubjectAloneLeavesTheAlternativeNamesOfTheCsrOut) {
    const auto grant = answered(R"({"decision":"allow","subject":{"text":"CN=given"}})");
    ASSERT_TRUE(grant);
    EXPECT_TRUE(grant->subject_alt_name().empty());
}

TEST_F(WebhookModuleTest, ATokenIsOfTheServiceUnderWhateverPolicy) {
    service_->answer.body = R"({"decision":"allow","once":"token-1"})";
    const auto redemption = [this](const std::string& name, const std::string& url,
                                   const std::string& once_scope = "") {
        WebhookSettings settings{name, url, keys()};
        settings.once_scope = once_scope;
        WebhookModule hook(std::move(settings), service_,
                           std::make_shared<certs::FixedClock>(kNow));
        return verify(hook, request(matching_contents())).value().redemption().value();
    };
    const auto first = redemption("a", "https://hook.example/1");
    EXPECT_EQ(redemption("b", "https://hook.example/1").policy, first.policy);
    EXPECT_NE(redemption("a", "https://hook.example/2").policy, first.policy);
    EXPECT_EQ(redemption("a", "https://hook.example/2", "https://hook.example/1").policy,
              first.policy)
        << "it moved: what was used stays so";
}

TEST_F(WebhookModuleTest, ADenialIsFinalAndItsReasonIsKept) {
    const auto refused = answered(R"({"decision":"deny","reason":"stolen"})");
    ASSERT_EQ(outcome(refused), "WebhookDenied");
    EXPECT_FALSE(refused.error().temporary);
    EXPECT_NE(refused.error().text.find("stolen"), std::string::npos);
    EXPECT_EQ(outcome(answered(R"({"decision":"deny"})")), "WebhookDenied");
}

TEST_F(WebhookModuleTest, NoAnswerIsARefusalToComeAgainAfter) {
    service_->down = true;
    const auto refused = ask();
    ASSERT_EQ(outcome(refused), "WebhookUnavailable");
    EXPECT_TRUE(refused.error().temporary);
}

TEST_F(WebhookModuleTest, AnyStatusButOkRefusesWhateverTheBodySays) {
    for (const long status : {408L, 429L, 500L, 502L, 503L, 599L}) {
        service_->answer.status = status;
        const auto refused = ask();
        EXPECT_EQ(outcome(refused), "WebhookUnavailable") << status;
        EXPECT_TRUE(refused.error().temporary) << status;
    }
    for (const long status :
         {0L, 100L, 201L, 202L, 204L, 206L, 301L, 302L, 400L, 401L, 403L, 404L, 600L}) {
        service_->answer.status = status;
        const auto refused = ask();
        EXPECT_EQ(outcome(refused), "WebhookAnswerInvalid") << status;
        EXPECT_FALSE(refused.error().temporary) << status;
    }
}

TEST_F(WebhookModuleTest, OnlyJsonIsAnAnswer) {
    for (const char* type :
         {"application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"}) {
        service_->answer.fields = {{"content-type", type}};
        EXPECT_EQ(outcome(ask()), "ok") << type;
    }
    for (const char* type : {"", "text/html", "application/jsonp", "application/json, text/html"}) {
        service_->answer.fields = {{"content-type", type}};
        EXPECT_EQ(outcome(ask()), "WebhookAnswerInvalid") << type;
    }
    service_->answer.fields = {};
    EXPECT_EQ(outcome(ask()), "WebhookAnswerInvalid");
    service_->answer.fields = {{"content-type", "application/json"},
                               {"content-type", "application/json"}};
    EXPECT_EQ(outcome(ask()), "WebhookAnswerInvalid");
}

TEST_F(WebhookModuleTest, ABodyThatIsNoAnswerIsAFinalRefusal) {
    for (const char* body : {"", "allow", "{}", R"({"decision":"allow")", R"({"decision":true})"}) {
        const auto refused = answered(body);
        ASSERT_EQ(outcome(refused), "WebhookAnswerInvalid") << body;
        EXPECT_FALSE(refused.error().temporary);
    }
}

TEST_F(WebhookModuleTest, AnAnswerMustBeSignedWhereThatIsRequired) {
    auto hook = module(false, true);
    EXPECT_EQ(outcome(verify(hook, request(matching_contents()))), "WebhookAnswerInvalid");
    service_->sign = true;
    EXPECT_EQ(outcome(verify(hook, request(matching_contents()))), "ok");
}

TEST_F(WebhookModuleTest, AWrongSignatureRefusesEvenWhereNoneIsRequired) {
    service_->answer.fields.emplace_back("x-scepgate-signature", "v1=00");
    EXPECT_EQ(outcome(ask()), "WebhookAnswerInvalid");
    service_->answer.fields.back().second =
        keys().sign_answer(kNow, std::string(32, '0'), service_->answer.body);
    EXPECT_EQ(outcome(ask()), "WebhookAnswerInvalid") << "an answer to another request";
}

TEST_F(WebhookModuleTest, N09_NobodyGetsASidThatWasNotGranted) {
    EXPECT_EQ(outcome(answered(R"({"decision":"allow"})", asking_for_sid(kSid))), "SidNotGranted");
    EXPECT_EQ(outcome(answered(R"({"decision":"allow","subject":{"text":"CN=a"}})",
                               asking_for_sid(kSid))),
              "SidNotGranted");
    EXPECT_EQ(outcome(answered(R"({"decision":"allow","sid":"S-1-5-21-1-2-3-501"})",
                               asking_for_sid(kSid))),
              "SidNotGranted");
    EXPECT_EQ(outcome(answered(R"({"decision":"allow","sid":"S-1-5-21-1-2-3-500"})",
                               asking_for_sid(kSid))),
              "ok");
    auto by_name = matching_contents();
    by_name.subject_alt_name.push_back(sid_name(kSid));
    EXPECT_EQ(outcome(answered(R"({"decision":"allow"})", by_name)), "SidNotGranted");
    const auto other = answered(R"({"decision":"allow","sid":"S-1-5-21-1-2-3-501"})", by_name);
    EXPECT_EQ(outcome(other), "SidNotGranted");
    EXPECT_EQ(other.error().expected, "S-1-5-21-1-2-3-501");
    EXPECT_EQ(other.error().found, sid_name(kSid).text());
    EXPECT_EQ(outcome(answered(R"({"decision":"allow","sid":"S-1-5-21-1-2-3-500"})", by_name)),
              "ok");
}

TEST_F(WebhookModuleTest, AnAccountNameThatAStrangerMadeLongIsCut) {
    auto contents = matching_contents();
    contents.subject_alt_name.push_back(sid_name(std::string(4000, '1')));
    const auto refused = answered(R"({"decision":"allow","sid":"S-1-5-21-1-2-3-501"})", contents);
    ASSERT_EQ(outcome(refused), "SidNotGranted");
    EXPECT_LT(refused.error().found.size(), 510U);
    EXPECT_LT(refused.error().text.size(), 600U);
}

TEST_F(WebhookModuleTest, N06_NoNamesAtAllAreRefused) {
    auto contents = matching_contents();
    contents.subject = {};
    contents.subject_alt_name = {};
    for (const char* body :
         {R"({"decision":"allow"})", R"({"decision":"allow","sid":"S-1-5-21-1-2-3-500"})"}) {
        EXPECT_EQ(outcome(answered(body, contents)), "SubjectNameMissing");
    }
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
