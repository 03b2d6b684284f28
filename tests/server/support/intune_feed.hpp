// A feed of Intune's, and the log that the polling of it writes.
#pragma once

#include <fstream>

#include <gtest/gtest.h>

#include "policy/intune/api.hpp"
#include "server/revocation_feed.hpp"
#include "tests/policy/support/fake_http.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing {

/// Gives tokens and the place of the service; what is asked there each test answers.
class IntuneFeedTest : public ::testing::Test {
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

    virtual Result<policy::HttpAnswer> connector(const policy::testing::FakeHttp::Seen& seen) = 0;

    Result<policy::HttpAnswer> answer(const policy::testing::FakeHttp::Seen& seen) {
        using policy::testing::json_answer;
        if (seen.url.find("/token") != std::string::npos)
            return json_answer(R"({"token_type":"Bearer","expires_in":60,"access_token":"t"})");
        if (seen.url.find("/endpoints") != std::string::npos) {
            return json_answer(R"({"value":[{"providerName":"PkiConnectorFEService",)"
                               R"("uri":"https://intune.example"}]})");
        }
        return connector(seen);
    }
    RevocationFeed feed() {
        policy::intune::Settings settings;
        settings.name = "intune";
        settings.client_secret = Secret("x");
        RevocationFeed made;
        made.policy = "intune";
        made.api = std::make_shared<policy::intune::Api>(
            std::make_shared<const policy::intune::Settings>(std::move(settings)),
            std::make_shared<policy::testing::FakeHttp>(
                [this](const auto& seen) { return answer(seen); }),
            lab_.clock);
        return made;
    }
    std::string logged() {
        parts_.log->flush();
        std::ifstream file(log_file_);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    ServiceLab lab_;
    const std::filesystem::path log_file_ = std::filesystem::temp_directory_path() /
                                            ("scepgate-log-" + to_hex(random_bytes(8)) + ".log");
    ServiceParts parts_;
};

}  // namespace scepgate::server::testing
