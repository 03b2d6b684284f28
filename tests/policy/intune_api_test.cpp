#include <gtest/gtest.h>

#include "policy/intune/api.hpp"
#include "policy/intune/client_assertion.hpp"
#include "policy/strict_json.hpp"
#include "tests/policy/support/fake_http.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::intune::this_file {
namespace {

using policy::testing::FakeHttp;
using policy::testing::json_answer;
using policy::testing::run;
using Seen = FakeHttp::Seen;

constexpr const char* kToken = R"({"token_type":"Bearer","expires_in":3600,"access_token":"t"})";
constexpr const char* kPlaces =
    R"({"value":[{"providerName":"TheService","uri":"https://shard.example/a/"},)"
    R"({"serviceName":"Other","uri":"https://shard.example/b"},{"uri":"https://none.example"}]})";

Settings settings() {
    Settings made;
    made.name = "intune";
    made.tenant = "contoso.onmicrosoft.com";
    made.app_id = "app";
    made.client_secret = Secret("s&cret");
    made.provider = "Example 1.0";
    return made;
}

/// Entra, Graph and Intune; each part can be told to answer otherwise.
class IntuneApiTest : public ::testing::Test {
protected:
    Result<HttpAnswer> answer(const Seen& seen) {
        if (seen.url.find("/token") != std::string::npos) return token(seen);
        if (seen.url.find("/endpoints") != std::string::npos) return places(seen);
        return service(seen);
    }
    Result<std::string> post() { return run(api.post({"theservice", "v"}, "Do", Secret("{}"))); }

    std::function<Result<HttpAnswer>(const Seen&)> token = [](const Seen&) {
        return json_answer(kToken);
    };
    std::function<Result<HttpAnswer>(const Seen&)> places = [](const Seen&) {
        return json_answer(kPlaces);
    };
    std::function<Result<HttpAnswer>(const Seen&)> service = [](const Seen&) {
        return json_answer("{\"code\":\"Success\"}");
    };
    std::shared_ptr<FakeHttp> http =
        std::make_shared<FakeHttp>([this](const Seen& seen) { return answer(seen); });
    std::shared_ptr<certs::FixedClock> clock = std::make_shared<certs::FixedClock>(1'000'000);
    Api api{std::make_shared<const Settings>(settings()), http, clock};
};

TEST_F(IntuneApiTest, NothingIsAskedBeforeTheFirstCall) {
    EXPECT_TRUE(http->seen.empty());
}

TEST_F(IntuneApiTest, TwoTokensOneDiscoveryAndOneCall) {
    ASSERT_TRUE(post());
    ASSERT_EQ(http->seen.size(), 4U);
    EXPECT_EQ(http->seen[0].url,
              "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token");
    EXPECT_EQ(http->seen[0].body,
              "client_id=app&scope=https%3A%2F%2Fapi.manage.microsoft.com%2F%2F.default"
              "&grant_type=client_credentials&client_secret=s%26cret")
        << "the scope has two slashes";
    EXPECT_NE(http->seen[1].body.find("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&"),
              std::string::npos);
    EXPECT_EQ(http->seen[2].method, "GET");
    EXPECT_EQ(http->seen[2].url,
              "https://graph.microsoft.com/v1.0/servicePrincipals/"
              "appId=0000000a-0000-0000-c000-000000000000/endpoints");
    EXPECT_EQ(http->seen[3].url, "https://shard.example/a/Do");
    EXPECT_EQ(http->seen[3].field("Authorization"), "Bearer t");
    EXPECT_EQ(http->seen[3].field("UserAgent"), "Example 1.0");
    EXPECT_EQ(http->seen[3].field("api-version"), "v");
    EXPECT_NE(http->seen[3].field("client-request-id"), http->seen[2].field("client-request-id"));
    ASSERT_TRUE(post());
    EXPECT_EQ(http->seen.size(), 5U) << "token and place are kept";
}

TEST_F(IntuneApiTest, ATokenIsRenewedShortlyBeforeItExpires) {
    ASSERT_TRUE(post());
    clock->set(1'000'000 + 3600 - 301);
    ASSERT_TRUE(post());
    EXPECT_EQ(http->count("/token"), 2U);
    clock->set(1'000'000 + 3600 - 300);
    ASSERT_TRUE(post());
    EXPECT_EQ(http->count("/token"), 3U);
}

TEST_F(IntuneApiTest, ManyAtOnceShareOneTokenAndOneDiscovery) {
    boost::asio::io_context context;
    std::vector<std::future<Result<std::string>>> answers;
    for (int i = 0; i < 64; ++i) {
        answers.push_back(boost::asio::co_spawn(
            context, api.post({"theservice", "v"}, "Do", Secret()), boost::asio::use_future));
    }
    context.run();
    for (auto& one : answers)
        EXPECT_TRUE(one.get());
    EXPECT_EQ(http->count("/token"), 2U);
    EXPECT_EQ(http->count("/endpoints"), 1U);
    EXPECT_EQ(http->count("shard.example"), 64U);
}

TEST_F(IntuneApiTest, FailedToGetTokenMakesNoOtherCall) {
    token = [](const Seen&) {
        return json_answer(R"({"error":"invalid_client","error_codes":[7000215],)"
                           R"("error_description":"s&cret is wrong"})",
                           401);
    };
    const auto failed = post();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kUnavailable);
    EXPECT_NE(failed.error().detail.find("invalid_client AADSTS7000215"), std::string::npos);
    EXPECT_EQ(failed.error().detail.find("s&cret"), std::string::npos);
    EXPECT_EQ(http->seen.size(), 1U);
    token = [](const Seen&) { return json_answer(kToken); };
    EXPECT_TRUE(post()) << "a failure is not kept";
}

TEST_F(IntuneApiTest, ServiceEndpointNotFoundMakesNoCallAndIsLookedForAgain) {
    places = [](const Seen&) { return json_answer(R"({"value":[]})"); };
    const auto failed = post();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kUnavailable) << "Intune itself has denied nothing";
    EXPECT_NE(failed.error().detail.find("Application.Read.All"), std::string::npos);
    EXPECT_EQ(http->count("shard.example"), 0U);
    places = [](const Seen&) { return json_answer(kPlaces); };
    EXPECT_TRUE(post());
}

TEST_F(IntuneApiTest, ServiceRoleMismatchSaysWhichPermission) {
    service = [](const Seen&) { return json_answer("{}", 401); };
    const auto failed = post();
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().detail.find("scep_challenge_provider"), std::string::npos);
    EXPECT_EQ(http->count("shard.example"), 1U) << "a fresh token is not tried twice";
    post().has_value();
    EXPECT_EQ(http->count("/token"), 3U) << "the refused one is dropped, Graph's is kept";
}

TEST_F(IntuneApiTest, AKeptTokenThatIsRefusedIsRenewedOnce) {
    ASSERT_TRUE(post());
    service = [](const Seen&) { return json_answer("{}", 401); };
    EXPECT_FALSE(post());
    EXPECT_EQ(http->count("shard.example"), 3U) << "one call, and one with a new token";
}

TEST_F(IntuneApiTest, AServiceThatMovedIsCalledAtItsNewPlace) {
    ASSERT_TRUE(post());
    service = [](const Seen& seen) -> Result<HttpAnswer> {
        if (seen.url.find("shard.example") != std::string::npos)
            return Error{Errc::kUnavailable, "shard.example: no connection"};
        return json_answer("{}");
    };
    places = [](const Seen&) {
        return json_answer(
            R"({"value":[{"providerName":"THESERVICE","uri":"https://new.example"}]})");
    };
    EXPECT_TRUE(post());
    EXPECT_EQ(http->seen.back().url, "https://new.example/Do");
}

TEST_F(IntuneApiTest, AnAnswerThatIsTooLargeDoesNotMakeThePlaceDoubtful) {
    ASSERT_TRUE(post());
    service = [](const Seen&) { return Error{Errc::kUnsupported, "over 1048576 octets"}; };
    const auto failed = post();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kUnsupported);
    EXPECT_EQ(http->count("shard.example"), 2U);
    service = [](const Seen&) { return json_answer("{}"); };
    EXPECT_TRUE(post());
    EXPECT_EQ(http->count("/endpoints"), 1U);
}

TEST_F(IntuneApiTest, AnyOtherFailureOfACallClearsTheMap) {
    ASSERT_TRUE(post());
    service = [](const Seen&) { return json_answer("<html>", 500); };
    const auto failed = post();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().detail, "HTTP 500");
    EXPECT_EQ(http->count("/endpoints"), 2U);
    EXPECT_EQ(http->count("shard.example"), 2U) << "nothing moved: not asked again";
}

TEST(IntuneServiceErrorTest, OnlyAPlainWordIsRepeated) {
    EXPECT_EQ(service_error(R"({"error":{"code":"InternalError","message":"x"}})"),
              "InternalError");
    for (const char* body : {"", "[]", "{}", R"({"error":"x"})", R"({"error":{"code":1}})",
                             R"({"error":{"code":"a b"}})", "<html>"}) {
        EXPECT_EQ(service_error(body), "") << body;
    }
}

TEST(IntuneClientAssertionTest, SaysWhoAsksWhomForHowLong) {
    const auto key = certs::PrivateKey::generate({certs::KeyType::kRsa, 2048}).value();
    const AppCertificate app{policy::testing::certificate("signer-unknown"), key,
                             AssertionAlgorithm::kRs256};
    const auto made = make_client_assertion(app, "app", "https://login.example/t", 1000);
    ASSERT_TRUE(made) << made.error().detail;
    const std::string text(made->text());
    const auto decode = [](std::string part) {
        std::replace(part.begin(), part.end(), '-', '+');
        std::replace(part.begin(), part.end(), '_', '/');
        while (part.size() % 4 != 0)
            part += '=';
        return from_base64(part).value();
    };
    const auto first = text.find('.');
    const auto second = text.find('.', first + 1);
    const Bytes header = decode(text.substr(0, first));
    const auto claims =
        parse_strict_json(as_text(decode(text.substr(first + 1, second - first - 1))));
    EXPECT_NE(as_text(header).find(R"({"alg":"RS256","typ":"JWT","x5t#S256":")"),
              std::string_view::npos);
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->root.at("aud"), "https://login.example/t");
    EXPECT_EQ(claims->root.at("iss"), "app");
    EXPECT_EQ(claims->root.at("sub"), "app");
    EXPECT_EQ(claims->root.at("nbf"), 1000);
    EXPECT_EQ(claims->root.at("exp"), 1600);
    EXPECT_EQ(decode(text.substr(second + 1)),
              key.sign(certs::Digest::kSha256, as_bytes(text.substr(0, second))).value());
}

}  // namespace
}  // namespace scepgate::policy::intune::this_file
