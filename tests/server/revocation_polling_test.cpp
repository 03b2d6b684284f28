#include "server/revocation_polling.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "policy/intune/api.hpp"
#include "tests/policy/support/fake_http.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server {
namespace {

using policy::testing::FakeHttp;
using policy::testing::json_answer;

class RevocationPollingTest : public ::testing::Test {
protected:
    void SetUp() override {
        LogConfig settings;
        settings.file = log_file_;
        parts_.store = lab_.store;
        parts_.audit = AuditLog::open("/dev/null").value();
        parts_.log = Log::open(settings).value();
        parts_.clock = lab_.clock;
    }
    void TearDown() override { std::filesystem::remove(log_file_); }

    Result<policy::HttpAnswer> answer(const FakeHttp::Seen& seen) {
        if (seen.url.find("/token") != std::string::npos)
            return json_answer(R"({"token_type":"Bearer","expires_in":60,"access_token":"t"})");
        if (seen.url.find("/endpoints") != std::string::npos) {
            return json_answer(R"({"value":[{"providerName":"PkiConnectorFEService",)"
                               R"("uri":"https://intune.example"}]})");
        }
        throw std::runtime_error("no memory");
    }
    RevocationFeed feed() {
        policy::intune::Settings settings;
        settings.name = "intune";
        settings.client_secret = Secret("x");
        RevocationFeed made;
        made.policy = "intune";
        made.api = std::make_shared<policy::intune::Api>(
            std::make_shared<const policy::intune::Settings>(std::move(settings)),
            std::make_shared<FakeHttp>([this](const auto& seen) { return answer(seen); }),
            lab_.clock);
        return made;
    }
    std::string logged() {
        parts_.log->flush();
        std::ifstream file(log_file_);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    testing::ServiceLab lab_;
    const std::filesystem::path log_file_ = std::filesystem::temp_directory_path() /
                                            ("scepgate-log-" + to_hex(random_bytes(8)) + ".log");
    ServiceParts parts_;
};

TEST_F(RevocationPollingTest, AFaultDoesNotEndAFeed) {
    RevocationPolling polling(parts_);
    std::vector<RevocationFeed> feeds;
    feeds.push_back(feed());
    polling.start(std::move(feeds));
    std::string text;
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
         text.empty() && std::chrono::steady_clock::now() < end;)
        text = logged();
    EXPECT_NE(text.find("no memory"), std::string::npos) << text;
    EXPECT_NE(text.find("3600"), std::string::npos) << "it goes on, late: " << text;
    polling.stop();
}

}  // namespace
}  // namespace scepgate::server
