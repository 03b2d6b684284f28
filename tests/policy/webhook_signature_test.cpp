#include "policy/webhook_signature.hpp"

#include <gtest/gtest.h>

namespace scepgate::policy::this_file {
namespace {

constexpr std::string_view kOld = "an old key that is thirty-two long";
constexpr std::string_view kNew = "a new key that is as long as this one";
constexpr std::int64_t kTime = 1'800'000'060;
constexpr std::string_view kBody = R"({"decision":"allow"})";

WebhookKeys keys(std::initializer_list<std::string_view> texts) {
    std::vector<Secret> all;
    for (const auto text : texts)
        all.emplace_back(text);
    return WebhookKeys(std::move(all));
}

// printf '1800000060.{"decision":"allow"}' | openssl dgst -sha256 -hmac "$KEY"
TEST(WebhookSignatureTest, IsTheHmacOfTimestampAndBody) {
    EXPECT_EQ(keys({kNew}).sign(kTime, kBody),
              "v1=9ed6d5a360ba24cf0cc362ccbbada1b74f3e6e894ad56e3639d3929f43118f6e");
}

// printf 'answer.1800000060.abc.{"decision":"allow"}' | openssl dgst -sha256 -hmac "$KEY"
TEST(WebhookSignatureTest, OfAnAnswerNamesItsRequest) {
    EXPECT_EQ(keys({kNew}).sign_answer(kTime, "abc", kBody),
              "v1=9ea3af0b5eefa4b94da889cc18be8602df0789fca4e093d20196354024eed5be");
}

TEST(WebhookSignatureTest, DuringARotationBothKeysSign) {
    EXPECT_EQ(keys({kNew, kOld}).sign(kTime, kBody),
              keys({kNew}).sign(kTime, kBody) + "," + keys({kOld}).sign(kTime, kBody));
}

TEST(WebhookSignatureTest, AnAnswerByEitherKeyVerifies) {
    const auto both = keys({kNew, kOld});
    for (const auto& signer : {keys({kNew}), keys({kOld})}) {
        const std::string good = signer.sign_answer(kTime, "abc", kBody);
        EXPECT_TRUE(both.verifies_answer(good, kTime, "abc", kBody));
        EXPECT_TRUE(both.verifies_answer("v2=00, " + good, kTime, "abc", kBody));
        EXPECT_TRUE(both.verifies_answer("v1=00," + good + ",x", kTime, "abc", kBody));
    }
}

TEST(WebhookSignatureTest, AnAnswerToAnythingElseDoesNotVerify) {
    const auto mine = keys({kNew});
    const std::string good = mine.sign_answer(kTime, "abc", kBody);
    ASSERT_TRUE(mine.verifies_answer(good, kTime, "abc", kBody));
    EXPECT_FALSE(mine.verifies_answer(good, kTime + 1, "abc", kBody));
    EXPECT_FALSE(mine.verifies_answer(good, kTime, "abd", kBody));
    EXPECT_FALSE(mine.verifies_answer(good, kTime, "abc", R"({"decision":"deny" })"));
    EXPECT_FALSE(keys({kOld}).verifies_answer(good, kTime, "abc", kBody));
    EXPECT_FALSE(mine.verifies_answer(mine.sign(kTime, kBody), kTime, "abc", kBody))
        << "our own signature, sent back";
}

TEST(WebhookSignatureTest, NothingButAWholeSignatureVerifies) {
    const auto mine = keys({kNew});
    const std::string good = mine.sign_answer(kTime, "abc", kBody);
    for (const std::string& wrong :
         {std::string(), std::string("v1="), good.substr(3), good.substr(0, good.size() - 1),
          good + "0", "V1=" + good.substr(3), "v1=" + good, std::string(100'000, ',') + good}) {
        EXPECT_FALSE(mine.verifies_answer(wrong, kTime, "abc", kBody)) << wrong.substr(0, 80);
    }
}

TEST(WebhookSignatureTest, ShortOrMissingKeysAreABug) {
    EXPECT_THROW(keys({}), std::logic_error);
    EXPECT_THROW(keys({std::string_view(kNew).substr(0, 31)}), std::logic_error);
    EXPECT_THROW(keys({kNew, kOld, kNew}), std::logic_error);
}

}  // namespace
}  // namespace scepgate::policy::this_file
