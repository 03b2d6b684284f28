#include "policy/intune/intune_module.hpp"

#include <gtest/gtest.h>

#include "certs/oids.hpp"
#include "policy/intune/codes.hpp"
#include "policy/intune/messages.hpp"
#include "policy/intune/revocation_api.hpp"
#include "tests/policy/support/fake_http.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::this_file {
namespace {

using testing::certificate;
using testing::FakeHttp;
using testing::json_answer;
using testing::matching_contents;
using testing::outcome;
using testing::request;
using testing::run;
using testing::sid_name;
using testing::verify;

Bytes sid_extension(const std::string& sid) {
    return certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                   certs::encode_sid_extension(sid));
}

/// Intune answers every action with `says`.
class IntuneModuleTest : public ::testing::Test {
protected:
    Result<HttpAnswer> answer(const FakeHttp::Seen& seen) {
        if (seen.url.find("/token") != std::string::npos) {
            return json_answer(R"({"token_type":"Bearer","expires_in":60,"access_token":"t"})");
        }
        if (seen.url.find("/endpoints") != std::string::npos) {
            return json_answer(R"({"value":[{"providerName":"ScepRequestValidationFEService",)"
                               R"("uri":"https://intune.example"}]})");
        }
        return json_answer(says, status);
    }
    Result<void> tell(TransactionOutcome what) { return run(module.notify(what)); }
    static intune::Settings settings() {
        intune::Settings made;
        made.name = "intune";
        made.provider = "Example 1.0";
        made.client_secret = Secret("x");
        return made;
    }

    std::string says = R"({"code":"Success","errorDescription":""})";
    long status = 200;
    std::shared_ptr<FakeHttp> http =
        std::make_shared<FakeHttp>([this](const auto& seen) { return answer(seen); });
    IntuneModule module{
        std::make_shared<intune::Api>(std::make_shared<const intune::Settings>(settings()), http,
                                      std::make_shared<certs::FixedClock>(1'000'000))};
    EnrollmentRequest asked = request(matching_contents("challenge"));
};

TEST_F(IntuneModuleTest, ValidationSucceeds) {
    const auto grant = verify(module, asked);
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->subject().text(), asked.csr.subject().text());
    EXPECT_EQ(grant->policy(), "intune");
    EXPECT_EQ(http->seen.back().url, "https://intune.example/ScepActions/validateRequest");
    EXPECT_EQ(http->seen.back().body, R"({"request":{"transactionId":"1","certificateRequest":")" +
                                          to_base64(asked.csr.der()) +
                                          R"(","callerInfo":"Example 1.0"}})");
}

TEST_F(IntuneModuleTest, ValidationFails) {
    says = R"({"code":"ChallengeDecryptionError","errorDescription":"no"})";
    const auto grant = verify(module, asked);
    EXPECT_EQ(outcome(grant), "ChallengeDecryptionError");
    EXPECT_EQ(grant.error().fail_info, FailInfo::kBadMessageCheck);
    EXPECT_FALSE(grant.error().temporary);
}

TEST_F(IntuneModuleTest, TheStatusGoesBeforeTheBody) {
    for (const long other : {199L, 204L + 99, 400L, 401L, 404L, 500L, 503L}) {
        status = other;
        const auto grant = verify(module, asked);
        EXPECT_EQ(outcome(grant), "IntuneUnavailable") << other;
        EXPECT_TRUE(grant.error().temporary);
    }
}

TEST_F(IntuneModuleTest, ASidExtensionIsGrantedWhereTheNamesSayTheSame) {
    const std::string sid = "S-1-5-21-1004336348-1177238915-682003330-1104";
    auto named = matching_contents("challenge");
    named.subject_alt_name.push_back(sid_name(sid));
    const auto by_name = verify(module, request(named));
    ASSERT_TRUE(by_name) << by_name.error().text;
    EXPECT_FALSE(by_name->sid()) << "the CSR has no extension";

    auto both = named;
    both.more_extensions = {sid_extension(sid)};
    const auto by_both = verify(module, request(both));
    ASSERT_TRUE(by_both) << by_both.error().text;
    EXPECT_EQ(by_both->sid(), sid);

    auto other = named;
    other.more_extensions = {sid_extension("S-1-5-21-1004336348-1177238915-682003330-500")};
    const auto refused = verify(module, request(other));
    EXPECT_EQ(outcome(refused), "SidNotGranted");
    EXPECT_EQ(refused.error().expected, sid);
    EXPECT_EQ(refused.error().found, "S-1-5-21-1004336348-1177238915-682003330-500");
    auto unnamed = matching_contents("challenge");
    unnamed.more_extensions = {sid_extension(sid)};
    EXPECT_EQ(outcome(verify(module, request(unnamed))), "SidNotGranted");
}

TEST_F(IntuneModuleTest, AnAccountNameThatAStrangerMadeLongIsCut) {
    auto contents = matching_contents("challenge");
    contents.subject_alt_name.push_back(sid_name(std::string(4000, '1')));
    const auto refused = verify(module, request(contents));
    ASSERT_EQ(outcome(refused), "SidNotGranted");
    EXPECT_LT(refused.error().found.size(), 510U);
    EXPECT_LT(refused.error().text.size(), 600U);
}

TEST_F(IntuneModuleTest, SuccessNotificationSucceeds) {
    const auto issued = certificate("signer-unknown");
    ASSERT_TRUE(tell({&asked, issued, std::nullopt, "intune"}));
    const std::string& body = http->seen.back().body;
    EXPECT_EQ(http->seen.back().url, "https://intune.example/ScepActions/successNotification");
    EXPECT_NE(body.find(R"("certificateSerialNumber":")" + intune::serial_text(issued) + '"'),
              std::string::npos)
        << body;
}

TEST_F(IntuneModuleTest, SuccessNotificationFails) {
    const auto issued = certificate("signer-unknown");
    says = R"({"code":"ChallengeExpired"})";
    EXPECT_EQ(tell({&asked, issued, std::nullopt, "intune"}).error().code, Errc::kDenied);
    says = R"({"code":"Later"})";
    EXPECT_EQ(tell({&asked, issued, std::nullopt, "intune"}).error().code, Errc::kDenied);
    says = "{}";
    EXPECT_EQ(tell({&asked, issued, std::nullopt, "intune"}).error().code, Errc::kUnavailable);
    status = 500;
    EXPECT_EQ(tell({&asked, issued, std::nullopt, "intune"}).error().code, Errc::kUnavailable);
}

TEST_F(IntuneModuleTest, FailureNotificationSucceeds) {
    const Refusal refusal{FailInfo::kBadRequest, "StoreUnavailable", std::string(300, 'x'), true};
    ASSERT_TRUE(tell({&asked, std::nullopt, refusal, "intune"}));
    const std::string& body = http->seen.back().body;
    EXPECT_EQ(http->seen.back().url, "https://intune.example/ScepActions/failureNotification");
    EXPECT_NE(body.find(R"("hResult":-2147467259,)"), std::string::npos) << "E_FAIL is negative";
    EXPECT_NE(body.find("\"errorDescription\":\"StoreUnavailable: " + std::string(237, 'x') + '"'),
              std::string::npos)
        << "255 octets";
}

TEST_F(IntuneModuleTest, FailureNotificationFails) {
    says = R"({"code":"Unknown"})";
    EXPECT_FALSE(tell({&asked, std::nullopt, Refusal{}, "intune"}));
}

TEST_F(IntuneModuleTest, HearsNothingOfWhatAnotherGrantedOrItRefusedItself) {
    EXPECT_TRUE(tell({&asked, certificate("signer-unknown"), std::nullopt, "other"}));
    EXPECT_TRUE(tell({&asked, std::nullopt, Refusal{}, ""}));
    EXPECT_TRUE(http->seen.empty());
}

TEST(IntuneCodesTest, KnowsEveryCodeOfTheInterface) {
    EXPECT_EQ(intune::refusal_codes().size(), 24U);
    for (const auto& code : intune::refusal_codes()) {
        const Refusal refusal = intune::refuse_by_code(code.name, "");
        EXPECT_EQ(refusal.code, code.name);
        EXPECT_EQ(refusal.found, code.name);
        EXPECT_FALSE(refusal.temporary);
        EXPECT_FALSE(refusal.hint.empty()) << code.name;
        EXPECT_NE(code.name, "Success");
    }
    for (const char* unknown : {"", "success", "SUCCESS", "Success\n", "New"}) {
        const Refusal refusal = intune::refuse_by_code(unknown, "");
        EXPECT_EQ(refusal.code, "IntuneCodeUnknown");
        EXPECT_FALSE(refusal.temporary);
    }
}

TEST(IntuneVerdictTest, WithoutACodeNothingWasDecided) {
    for (const char* body :
         {"", "null", "[]", "{}", R"({"code":null})", R"({"code":""})", R"({"code":1})",
          R"({"Code":"Success"})", R"({"code":"Success")", R"({"code":"x","code":"Success"})",
          R"({"code":"Success"}{})", "\xEF\xBB\xBF{\"code\":\"Success\"}"}) {
        const auto verdict = intune::read_verdict(body);
        ASSERT_FALSE(verdict) << body;
        EXPECT_EQ(verdict.error().code, Errc::kUnavailable);
    }
    const auto verdict = intune::read_verdict(R"({"code":"Success","errorDescription":null})");
    ASSERT_TRUE(verdict);
    EXPECT_TRUE(verdict->success());
}

TEST(IntuneVerdictTest, ADescriptionNeverHoldsAChallenge) {
    const auto verdict = intune::read_verdict(R"({"code":"X","errorDescription":"got )" +
                                              std::string(65, 'A') + R"( here"})");
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->description, "got [...] here");
}

// Of the revocation interface.

TEST(IntuneRevocationApiTest, ValidDownload) {
    const auto read = intune::read_revocations(
        R"({"@odata.context":"x","value":[{"requestContext":"c","serialNumber":"0A",)"
        R"("issuerName":"CN=x","caConfiguration":null}]})",
        500);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->requests.size(), 1U);
    EXPECT_EQ(read->requests.front().context, "c");
    EXPECT_EQ(read->requests.front().serial, "0A");
    EXPECT_EQ(read->requests.front().issuer, "CN=x");
    EXPECT_EQ(read->requests.front().ca_configuration, "");
    EXPECT_EQ(read->unanswerable, 0U);
    EXPECT_EQ(intune::download_body(500),
              R"({"downloadParameters":{"maxRequests":500,"issuerName":null}})");
}

TEST(IntuneRevocationApiTest, WhatIsNoListOfRequestsIsRefused) {
    for (const char* body : {"", "{}", R"({"value":1})", R"({"value":{}})",
                             R"({"value":[{"requestContext":"1"},{"requestContext":"2"}]})"}) {
        EXPECT_FALSE(intune::read_revocations(body, 1)) << body;
    }
    EXPECT_TRUE(intune::read_revocations(R"({"value":[]})", 1));
}

TEST(IntuneRevocationApiTest, WhatCannotBeAnsweredIsCountedAndHidesNothing) {
    const std::string context(100'000, 'c');
    const auto read = intune::read_revocations(
        R"({"value":["x",{"serialNumber":"1"},{"requestContext":""},{"requestContext":7},)"
        R"({"requestContext":")" +
            context + R"("}]})",
        500);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->unanswerable, 4U);
    ASSERT_EQ(read->requests.size(), 1U);
    EXPECT_EQ(read->requests.front().context, context);
}

TEST(IntuneRevocationApiTest, UploadSaysEachResultInCamelCase) {
    EXPECT_EQ(intune::upload_body({{"a", intune::RevocationError::kNone, ""},
                                   {"b", intune::RevocationError::kCertificateNotFound, "gone"}}),
              R"({"results":[{"requestContext":"a","succeeded":true,"errorCode":"None",)"
              R"("errorMessage":null},{"requestContext":"b","succeeded":false,)"
              R"("errorCode":"CertificateNotFoundError","errorMessage":"gone"}]})");
}

TEST(IntuneRevocationApiTest, OnlyTrueMeansThatTheResultsWereTaken) {
    EXPECT_TRUE(intune::read_upload_answer(R"({"@odata.context":"x","value":true})"));
    for (const char* body : {"", "{}", "true", R"({"value":false})", R"({"value":"true"})",
                             R"({"value":1})", R"({"value":null})"}) {
        EXPECT_FALSE(intune::read_upload_answer(body)) << body;
    }
}

}  // namespace
}  // namespace scepgate::policy::this_file
