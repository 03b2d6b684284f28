#include "server/http_server.hpp"

#include <chrono>

#include "tests/server/support/http_fixture.hpp"

namespace scepgate::server::test::this_file {
namespace {

TEST_F(HttpServerTest, E22_KeepsHttp11AliveAndHttp10OnRequest) {
    start();
    RawClient client = connect();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(client.ask(kGetNow).body, "now");
    RawReply reply = client.ask("GET /now HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    EXPECT_TRUE(reply.has("Connection: keep-alive\r\n"));
    reply = client.ask("GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(reply.closes());
    EXPECT_TRUE(client.at_end());

    RawClient old = connect();
    EXPECT_TRUE(old.ask("GET /now HTTP/1.0\r\n\r\n").closes());
    EXPECT_TRUE(old.at_end());
}

TEST_F(HttpServerTest, E22_RepliesCarryLengthTypeAndReasonAndNothingAboutTheServer) {
    start();
    const RawReply from_memory = ask(kGetNow);
    EXPECT_TRUE(from_memory.header.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"));
    const RawReply worked = ask("GET /nowhere HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(worked.header.starts_with("HTTP/1.1 404 Not Found\r\n"));
    for (const RawReply& reply : {from_memory, worked}) {
        EXPECT_TRUE(reply.has("Content-Length: "));
        EXPECT_FALSE(reply.has("Server:"));
        EXPECT_TRUE(reply.has("\r\nDate: ")) << "RFC 9110 section 6.6.1";
    }
    EXPECT_TRUE(worked.has("Cache-Control: no-store\r\n"));
}

TEST_F(HttpServerTest, E22_HeadHasTheLengthButNoBody) {
    start();
    RawClient client = connect();
    client.send("HEAD /now HTTP/1.1\r\n\r\nHEAD /echo HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(client.read(true).has("Content-Length: 3\r\n"));
    EXPECT_TRUE(client.read(true).has("Content-Length: "));
    EXPECT_EQ(client.ask(kGetNow).body, "now");
}

TEST_F(HttpServerTest, H06_AnswersAThousandPipelinedRequestsInOrder) {
    start();
    RawClient client = connect();
    std::string all;
    for (int i = 0; i < 1000; ++i) {
        all += i % 2 ? std::string(kGetNow)
                     : "GET /echo?" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    }
    client.send(all);
    for (int i = 0; i < 1000; ++i) {
        const std::string wanted = i % 2 ? "now" : "GET " + std::to_string(i) + " 127.0.0.1  ";
        ASSERT_EQ(client.read().body, wanted);
    }
}

TEST_F(HttpServerTest, H06_ClosesAfterTheMostRequestsOfAConnection) {
    settings.limits.requests_per_connection = 3;
    start();
    RawClient client = connect();
    std::string all;
    for (int i = 0; i < 10; ++i)
        all += kGetNow;
    client.send(all);
    EXPECT_FALSE(client.read().closes());
    EXPECT_FALSE(client.read().closes());
    EXPECT_TRUE(client.read().closes());
    EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServerTest, H10_ABodyIsNeverTakenForTheNextRequest) {
    start();
    const std::string smuggled = "GET /echo?smuggled HTTP/1.1\r\n\r\n";
    const std::string length = "Content-Length: " + std::to_string(smuggled.size()) + "\r\n\r\n";
    RawClient client = connect();
    client.send("POST /echo HTTP/1.1\r\n" + length + smuggled + std::string(kGetNow));
    EXPECT_EQ(client.read().body, "POST  127.0.0.1  " + smuggled);
    EXPECT_EQ(client.read().body, "now");
    client.send("GET /now HTTP/1.1\r\n" + length + smuggled + std::string(kGetNow));
    EXPECT_EQ(client.read().body, "now");
    EXPECT_EQ(client.read().body, "now");
    client.send("GET /echo?x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n" + smuggled +
                "\r\n0\r\n\r\n");
    EXPECT_EQ(client.read().body, "GET x 127.0.0.1  ") << "the handler sees no body of a GET";
}

TEST_F(HttpServerTest, E25_AnEmptyPostLeavesTheConnectionUsable) {
    start();
    RawClient client = connect();
    EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n").body,
              "POST  127.0.0.1  ");
    EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\n\r\n").body, "POST  127.0.0.1  ");
    EXPECT_EQ(client.ask(kGetNow).body, "now");
}

TEST_F(HttpServerTest, E25_AnswersExpect100ContinueBeforeTheBody) {
    start();
    RawClient client = connect();
    const RawReply interim =
        client.ask("POST /echo HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(interim.status, 100U);
    EXPECT_EQ(client.ask("body").body, "POST  127.0.0.1  body");
}

TEST_F(HttpServerTest, Z02_TrailersOfAChunkedBodyChangeNothing) {
    settings.trusted_proxies.push_back(*AddressPrefix::parse("127.0.0.0/8"));
    start();
    const RawReply reply = ask(
        "POST /echo HTTP/1.1\r\nX-Forwarded-For: 192.0.2.7\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nab\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nUser-Agent: evil\r\n\r\n");
    EXPECT_EQ(reply.body, "POST  192.0.2.7  ab");
}

TEST_F(HttpServerTest, H15_BelievesForwardedAddressesOnlyFromTrustedProxies) {
    start();
    const std::string request = "GET /echo HTTP/1.1\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
    EXPECT_EQ(ask(request).body, "GET  127.0.0.1  ");
    settings.trusted_proxies.push_back(*AddressPrefix::parse("127.0.0.1"));
    server->update(settings);
    EXPECT_EQ(ask(request).body, "GET  192.0.2.7  ");
}

TEST_F(HttpServerTest, H15_ARefusalIsNotLoggedUnderTheClientOfAnEarlierRequest) {
    settings.trusted_proxies.push_back(*AddressPrefix::parse("127.0.0.1"));
    start();
    RawClient client = connect();
    client.ask("GET /now HTTP/1.1\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
    EXPECT_EQ(client.ask("\x16").status, 400U);
    EXPECT_EQ(refusal().client, "127.0.0.1");
}

TEST_F(HttpServerTest, H18_AnswersAfterTheClientEndedItsSide) {
    start();
    for (const char* path : {"/now", "/echo"}) {
        RawClient client = connect();
        client.send("POST " + std::string(path) + " HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
        client.end_sending();
        EXPECT_EQ(client.read().status, 200U);
        EXPECT_TRUE(client.at_end());
    }
}

TEST_F(HttpServerTest, H18_SurvivesAResetWhileTheHandlerWorks) {
    start();
    RawClient client = connect();
    client.send("GET /gate HTTP/1.1\r\n\r\n");
    handler.wait_at_gate();
    client.reset();
    handler.open();
    expect_alive();
}

TEST_F(HttpServerTest, E06_HoldsAReplyBackUntilItsMoment) {
    start();
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(ask("GET /later HTTP/1.1\r\n\r\n").status, 200U);
    EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(300));
}

TEST_F(HttpServerTest, AHandlersExceptionIsA500ThatSaysNothing) {
    start();
    const RawReply reply = ask("GET /throw HTTP/1.1\r\n\r\n");
    EXPECT_EQ(reply.status, 500U);
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
    expect_alive();
}

TEST_F(HttpServerTest, H05_AnswersConnectionsOverTheLimitWith503) {
    settings.limits.connections = 2;
    start();
    RawClient first = connect();
    ASSERT_EQ(first.ask(kGetNow).status, 200U);
    {
        RawClient second = connect();
        ASSERT_EQ(second.ask(kGetNow).status, 200U);
        RawClient third = connect();
        const RawReply reply = third.ask(kGetNow);
        EXPECT_EQ(reply.status, 503U);
        EXPECT_TRUE(reply.has("Retry-After: "));
        EXPECT_TRUE(reply.closes());
        EXPECT_TRUE(third.at_end());
        EXPECT_EQ(refusal().status, 503U);
        // Its place is free once the server has seen the end and closed, too.
        second.end_sending();
        EXPECT_TRUE(second.at_end());
    }
    EXPECT_EQ(first.ask(kGetNow).status, 200U);
}

TEST_F(HttpServerTest, H05_LimitsConnectionsOfAnAddress) {
    settings.limits.connections_per_address = 1;
    start();
    RawClient first = connect();
    ASSERT_EQ(first.ask(kGetNow).status, 200U);
    EXPECT_EQ(ask(kGetNow).status, 503U);
    settings.limits.connections_per_address = 10;
    server->update(settings);
    expect_alive();
}

TEST_F(HttpServerTest, DrainEndsIdleConnectionsAtOnceAndLetsRequestsFinish) {
    start();
    RawClient idle = connect();
    ASSERT_EQ(idle.ask(kGetNow).status, 200U);
    RawClient active = connect();
    active.send("GET /gate HTTP/1.1\r\n\r\n");
    handler.wait_at_gate();
    std::thread draining([&] { server->drain(std::chrono::seconds(10)); });
    EXPECT_TRUE(idle.at_end());
    handler.open();
    const RawReply reply = active.read();
    EXPECT_EQ(reply.body, "passed");
    // Its thread may hear of the end after the reply was made, and say keep-alive: it ends anyway.
    EXPECT_TRUE(active.at_end());
    draining.join();
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_ANY_THROW(static_cast<void>(connect()));
}

/// Begun, and by the end of an idle connection of the same thread known to have come to it.
class DrainTest : public HttpServerTest {
protected:
    DrainTest() { settings.io_threads = 1; }
    ~DrainTest() override {
        handler.finish();
        if (draining_.joinable()) draining_.join();
    }
    void drain() {
        RawClient idle = connect();
        ASSERT_EQ(idle.ask(kGetNow).status, 200U);
        draining_ = std::thread([this] { server->drain(std::chrono::seconds(60)); });
        EXPECT_TRUE(idle.at_end());
    }

private:
    std::thread draining_;
};

TEST_F(DrainTest, WhoeverIsStillAskingIsToldThatTheConnectionEnds) {
    start();
    RawClient from_memory = connect();
    from_memory.send(std::string(kGetNow) + "GET /now HTTP/1.1\r\n");
    EXPECT_FALSE(from_memory.read().closes());
    RawClient worked = connect();
    worked.send(std::string(kGetNow) + "GET /echo HTTP/1.1\r\n");
    EXPECT_FALSE(worked.read().closes());
    drain();
    for (RawClient* client : {&from_memory, &worked}) {
        const RawReply reply = client->ask("\r\n");
        EXPECT_EQ(reply.status, 200U);
        EXPECT_TRUE(reply.closes());
        EXPECT_TRUE(client->at_end());
    }
}

TEST_F(DrainTest, AReplyThatWasBegunBeforeIsTheConnectionsLast) {
    start();
    RawClient slow = connect();
    slow.send(std::string(kGetNow) + "GET /big HTTP/1.1\r\n\r\n");
    EXPECT_EQ(slow.read().body, "now");
    drain();
    const RawReply reply = slow.read();
    EXPECT_FALSE(reply.closes()) << "it was not known then";
    EXPECT_EQ(reply.body.size(), std::size_t{32} << 20);
    EXPECT_TRUE(slow.at_end());
}

TEST_F(HttpServerTest, DrainCutsWhatOutlastsItsTimeAndTheHandlerEndsByItself) {
    start();
    RawClient stuck = connect();
    stuck.send("GET /gate HTTP/1.1\r\n\r\n");
    handler.wait_at_gate();
    RawClient half = connect();
    half.send("GET /no");
    server->drain(std::chrono::seconds(1));
    EXPECT_EQ(stuck.read().status, 0U);
    EXPECT_EQ(half.read().status, 0U);
    handler.finish();
    server.reset();
}

TEST_F(HttpServerTest, OnlyAHandlerThatWantsThemGetsCredentialsAndOrigins) {
    start();
    EXPECT_EQ(ask("GET /details HTTP/1.1\r\nAuthorization: Basic x\r\n\r\n").body, "none");
}

TEST_F(HttpServerTest, DetailsAreThoseOfTheirRequestAlone) {
    handler.details = true;
    start();
    RawClient client = connect();
    EXPECT_EQ(client
                  .ask("GET /details HTTP/1.1\r\nHost: a:1\r\nauthorization:  Basic x \r\n"
                       "Origin: o\r\nReferer: r\r\nsec-fetch-site: none\r\n"
                       "Content-Type: c\r\n\r\n")
                  .body,
              "Basic x|a:1|o|r|none|c|");
    EXPECT_EQ(client.ask("GET /details HTTP/1.1\r\n\r\n").body, "||||||");
}

TEST_F(HttpServerTest, H16_DetailsTellOfFieldsThatCameTwice) {
    handler.details = true;
    start();
    for (const char* twice : {"Authorization: a\r\nAuthorization: b", "Origin: a\r\nOrigin: b",
                              "Authorization:\r\nAuthorization: b", "Origin:\r\nOrigin: b",
                              "Host:\r\nReferer:\r\nReferer:"}) {
        const auto reply = ask("GET /details HTTP/1.1\r\n" + std::string(twice) + "\r\n\r\n");
        EXPECT_TRUE(reply.body.ends_with("|repeated")) << twice;
    }
}

TEST_F(HttpServerTest, H13_OtherMethodsAreForHandlersThatWantDetails) {
    const std::string methods[] = {"DELETE", "PUT", "OPTIONS", "get", "M-SEARCH"};
    start();
    for (const std::string& method : methods)
        EXPECT_EQ(ask(method + " /details HTTP/1.1\r\n\r\n").status, 405U) << method;
    server.reset();
    handler.details = true;
    start();
    for (const std::string& method : methods)
        EXPECT_EQ(ask(method + " /details HTTP/1.1\r\n\r\n").status, 200U) << method;
}

TEST_F(HttpServerTest, CanBeDestroyedAtAnyTime) {
    auto never_started = HttpServer::create(settings, handler);
    ASSERT_TRUE(never_started);
    EXPECT_NE((*never_started)->addresses().front(), "127.0.0.1:0");
    never_started->reset();
    start();
    RawClient idle = connect();
    RawClient half = connect();
    half.send("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    RawClient slow = connect();
    slow.send("GET /big HTTP/1.1\r\n\r\n");
    server.reset();
}

TEST_F(HttpServerTest, CreateSaysWhichAddressCannotBeBoundAndWhy) {
    start();
    settings.listen.front().address = address();
    auto second = HttpServer::create(settings, handler);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kConfig);
    EXPECT_NE(second.error().detail.find(address()), std::string::npos);
    EXPECT_NE(second.error().detail.find("another process"), std::string::npos);
    settings.listen.front().address = "192.0.2.1:8080";
    second = HttpServer::create(settings, handler);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().detail.find("does not have the address"), std::string::npos);
}

}  // namespace
}  // namespace scepgate::server::test::this_file
