#include "server/intune_revocation.hpp"

#include <nlohmann/json.hpp>

#include "ca_backend/wait_for.hpp"
#include "tests/server/support/intune_feed.hpp"

namespace scepgate::server::this_file {
namespace {

using ca_backend::wait_for;
using nlohmann::json;
using policy::testing::FakeHttp;
using policy::testing::json_answer;

/// Intune with requests that wait until it has taken their results.
class IntuneRevocationTest : public testing::IntuneFeedTest {
protected:
    Result<policy::HttpAnswer> connector(const FakeHttp::Seen& seen) override {
        const json body = json::parse(seen.body);
        return seen.url.find("/download") != std::string::npos ? download(body) : upload(body);
    }
    Result<policy::HttpAnswer> download(const json& body) {
        const auto most = body["downloadParameters"]["maxRequests"].get<std::size_t>();
        if (most > largest_page_) return Error{Errc::kUnsupported, "over 1048576 octets"};
        json page = json::array();
        for (const json& request : requests_) {
            if (page.size() < most) page.push_back(request);
        }
        return json_answer(json{{"value", page}}.dump());
    }
    Result<policy::HttpAnswer> upload(const json& body) {
        ++uploads_;
        for (const json& result : body["results"]) {
            if (all_refused_ || result["requestContext"] == refused_) return json_answer("{}", 400);
        }
        for (const json& result : body["results"]) {
            told_[result["requestContext"]] = result["errorCode"];
            std::erase_if(requests_, [&](const json& request) {
                return request["requestContext"] == result["requestContext"];
            });
        }
        return json_answer(R"({"value":true})");
    }

    IntuneRevocation revocation() {
        RevocationFeed made = feed();
        made.policies = {"fake"};
        made.issuers = {"CN=CA"};
        return {std::move(made), parts_};
    }
    void ask(const std::string& context, const std::string& serial = "1",
             const std::string& issuer = "CN=CA") {
        requests_.push_back({{"requestContext", context},
                             {"serialNumber", serial},
                             {"issuerName", issuer},
                             {"caConfiguration", issuer}});
    }
    certs::Certificate issue() {
        const auto asked = lab_.ask(lab_.request());
        return asked.cert->certificate;
    }
    bool is_revoked(const certs::Certificate& certificate) {
        return lab_.store->find_certificate(ca_backend::certificate_id(certificate))
            .value()
            ->revocation.has_value();
    }

    std::vector<json> requests_;
    std::map<std::string, std::string> told_;
    std::string refused_ = "none";  ///< Intune takes nothing that this one's result is in
    bool all_refused_ = false;
    std::size_t largest_page_ = 500;
    int uploads_ = 0;
};

TEST_F(IntuneRevocationTest, OneResultThatIsNeverTakenKeepsNoOtherBack) {
    for (int i = 0; i < 100; ++i)
        ask(std::to_string(i));
    refused_ = "50";
    auto intune = revocation();
    EXPECT_TRUE(wait_for(intune.poll()));
    EXPECT_EQ(told_.size(), 99U);
    EXPECT_LT(uploads_, 30) << "not one by one";
    EXPECT_NE(logged().find("Intune did not take a result"), std::string::npos);
    const auto certificate = issue();
    ask("new", certificate.serial_hex());
    EXPECT_TRUE(wait_for(intune.poll()));
    EXPECT_EQ(told_["new"], "None");
    EXPECT_TRUE(is_revoked(certificate));
}

TEST_F(IntuneRevocationTest, RevokesAlsoWhileNoResultIsTaken) {
    all_refused_ = true;
    for (const char* context : {"a", "b", "c"})
        ask(context);
    auto intune = revocation();
    EXPECT_FALSE(wait_for(intune.poll()));
    const auto certificate = issue();
    ask("new", certificate.serial_hex());
    EXPECT_FALSE(wait_for(intune.poll()));
    EXPECT_TRUE(is_revoked(certificate));
    all_refused_ = false;
    EXPECT_TRUE(wait_for(intune.poll()));
    EXPECT_EQ(told_.size(), 4U) << "Intune has asked again";
    EXPECT_EQ(told_["new"], "None");
}

TEST_F(IntuneRevocationTest, SaysThatAShortenedPageWasAllOthers) {
    largest_page_ = 2;
    for (const char* context : {"a", "b", "c"})
        ask(context, "1", "CN=somebody else");
    auto intune = revocation();
    EXPECT_TRUE(wait_for(intune.poll()));
    const std::string text = logged();
    EXPECT_NE(text.find("are for other CAs"), std::string::npos) << text;
    EXPECT_NE(text.find("most=1"), std::string::npos) << text;
}

TEST_F(IntuneRevocationTest, SaysNothingOfOthersRequestsThatHideNone) {
    ask("a", "1", "CN=somebody else");
    ask("b");
    auto intune = revocation();
    EXPECT_TRUE(wait_for(intune.poll()));
    EXPECT_EQ(logged().find("are for other CAs"), std::string::npos);
}

TEST_F(IntuneRevocationTest, AConflictCountsAsDoneOnlyWhenTheCertificateIsRevoked) {
    const auto certificate = issue();
    ask("one", certificate.serial_hex());
    lab_.store->before_revoking = [] { return Error{Errc::kConflict, "UNIQUE failed"}; };
    auto intune = revocation();
    EXPECT_TRUE(wait_for(intune.poll()));
    EXPECT_EQ(told_["one"], "ServiceUnavailable");
    EXPECT_FALSE(is_revoked(certificate));
}

TEST_F(IntuneRevocationTest, AConflictWithAHoldIsNotDone) {
    const auto certificate = issue();
    lab_.revoke(certificate, certs::RevocationReason::kCertificateHold);
    ask("one", certificate.serial_hex());
    lab_.store->before_revoking = [] { return Error{Errc::kConflict, "UNIQUE failed"}; };
    auto intune = revocation();
    EXPECT_TRUE(wait_for(intune.poll()));
    EXPECT_EQ(told_["one"], "ServiceUnavailable");
}

TEST_F(IntuneRevocationTest, WhatAnotherRevokedMeanwhileIsDone) {
    const auto certificate = issue();
    ask("one", certificate.serial_hex());
    lab_.store->before_revoking = [&]() -> std::optional<Error> {
        lab_.store->before_revoking = nullptr;
        lab_.revoke(certificate);
        return Error{Errc::kConflict, "it is revoked"};
    };
    auto intune = revocation();
    EXPECT_TRUE(wait_for(intune.poll()));
    EXPECT_EQ(told_["one"], "None");
}

}  // namespace
}  // namespace scepgate::server::this_file
