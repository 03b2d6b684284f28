// What is answered before any worker is asked, and what it is answered with when none is free.
#include "server/scep_handler.hpp"

#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "ca_backend/wait_for.hpp"
#include "tests/server/support/service_lab.hpp"
#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::testing::this_file {
namespace {

/// No worker is free: what asks for one is refused with 503.
class ScepHandlerTest : public ::testing::Test {
protected:
    static constexpr std::size_t kMessageLimit = 999;  // a multiple of three needs no padding

    static HttpRequest request(HttpMethod method, std::string query, Bytes body = {}) {
        HttpRequest made;
        made.method = method;
        made.path = "/scep";
        made.raw_query = std::move(query);
        made.body = std::move(body);
        return made;
    }
    static HttpRequest message_in_query(std::size_t octets) {
        return request(HttpMethod::kGet,
                       "operation=PKIOperation&message=" + to_base64(Bytes(octets, 0x41)));
    }
    static std::shared_ptr<Log> quiet_log() {
        LogConfig config;
        config.file = "/dev/null";
        return Log::open(config).value();
    }
    HttpReply ask(HttpRequest asked) {
        EXPECT_EQ(handler_.immediate(asked), nullptr);
        return ca_backend::wait_for(handler_.handle(std::move(asked)));
    }

    ServiceLab lab_;
    WorkerPool workers_{1, 0};
    ScepHandler handler_{
        std::make_shared<Runtime>(
            std::vector<std::shared_ptr<const Endpoint>>{std::make_shared<Endpoint>(lab_.endpoint)},
            kMessageLimit),
        lab_.operations(), workers_, quiet_log()};
};

TEST_F(ScepHandlerTest, AFullQueueIsSaidAtOnceAndNotCached) {
    const HttpReply reply = ask(request(HttpMethod::kPost, "operation=PKIOperation", Bytes(10)));
    EXPECT_EQ(reply.status, 503U);
    EXPECT_EQ(reply.headers, "Cache-Control: no-store\r\nRetry-After: 5\r\n");
}

TEST_F(ScepHandlerTest, ALoadBalancerIsToldWhetherThisNodeIsToGoOnBeingAsked) {
    HttpRequest asked = request(HttpMethod::kGet, "");
    asked.path = "/ready";
    EXPECT_EQ(handler_.immediate(asked)->status(), 200U);
    handler_.leave();
    EXPECT_EQ(handler_.immediate(asked)->status(), 503U);
    EXPECT_EQ(ask(message_in_query(kMessageLimit + 3)).status, 400U) << "all else goes on";
}

TEST_F(ScepHandlerTest, ANodeWhoseClockIsWrongIsNotReadyUntilItIsRight) {
    HttpRequest asked = request(HttpMethod::kGet, "");
    asked.path = "/ready";
    lab_.store->clock_fails = true;
    EXPECT_EQ(handler_.immediate(asked)->status(), 503U);
    lab_.store->clock_fails = false;
    EXPECT_EQ(handler_.immediate(asked)->status(), 200U);
}

TEST_F(ScepHandlerTest, E25_AnEmptyMessageKeepsNoWorkerBusy) {
    const HttpReply reply = ask(request(HttpMethod::kPost, "operation=PKIOperation"));
    EXPECT_EQ(reply.status, 400U);
    EXPECT_EQ(reply.headers, "Cache-Control: no-store\r\n");
}

TEST_F(ScepHandlerTest, H01_AMessageInAQueryIsNoLongerThanABodyMayBe) {
    EXPECT_EQ(ask(message_in_query(kMessageLimit)).status, 503U) << "read, but nobody is free";
    EXPECT_EQ(ask(message_in_query(kMessageLimit + 3)).status, 400U);
}

TEST_F(ScepHandlerTest, E11_APostWithoutOperationIsAMessageUnlessItIsEmpty) {
    EXPECT_EQ(ask(request(HttpMethod::kPost, "", Bytes(10))).status, 503U);
    const auto reply = handler_.immediate(request(HttpMethod::kPost, ""));
    ASSERT_NE(reply, nullptr);
    EXPECT_EQ(reply->status(), 400U);
}

TEST_F(ScepHandlerTest, E11_APostOfAnotherOperationIsRefused) {
    const auto reply = handler_.immediate(request(HttpMethod::kPost, "operation=GetCACaps"));
    ASSERT_NE(reply, nullptr);
    EXPECT_EQ(reply->status(), 400U);
}

TEST_F(ScepHandlerTest, A_A05_OfAFloodOfRefusalsThereAreSomeLinesAndACount) {
    TemporaryFolder folder;
    LogConfig config;
    config.file = folder.path() / "log";
    ScepHandler handler(handler_.runtime(), lab_.operations(), workers_, Log::open(config).value());
    handler.bound_refusals(1);
    for (int i = 0; i < 1000; ++i)
        handler.refused("192.0.2.1", 408, "header not complete in time");
    handler.refused("192.0.2.1", 431, "another kind");
    handler.refused("192.0.2.2", 408, "another client");
    auto lost = request(HttpMethod::kGet, "");
    lost.path = "/nowhere";
    lost.client_address = "192.0.2.3";
    for (int i = 0; i < 1000; ++i)
        handler.immediate(lost);
    handler.tell_refusals(RefusalBounds::Which::kAll);
    std::map<std::string, int> lines;
    std::ifstream stream(*config.file);
    for (std::string line; std::getline(stream, line);) {
        for (const char* what : {"status=408", "status=431", "status=404", "refused more"})
            lines[what] += line.find(what) != std::string::npos ? 1 : 0;
    }
    EXPECT_GE(lines["status=408"], 7);
    EXPECT_LE(lines["status=408"], 20);
    EXPECT_EQ(lines["status=431"], 1);
    EXPECT_GE(lines["status=404"], 6);
    EXPECT_LE(lines["status=404"], 20);
    EXPECT_EQ(lines["refused more"], 2);
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
