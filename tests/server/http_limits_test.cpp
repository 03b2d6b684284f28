// Limits of size and time, and what hostile clients send.
#include <chrono>
#include <list>
#include <random>

#include "server/http_connections.hpp"
#include "server/http_server.hpp"
#include "tests/server/support/http_fixture.hpp"

namespace scepgate::server::test::this_file {
namespace {

using std::chrono::milliseconds;

class HttpLimitsTest : public HttpServerTest {
protected:
    /// Sends, expects `status` as a whole reply that ends the connection.
    void expect_refused(std::string_view octets, unsigned status) {
        RawClient client = connect();
        client.try_send(octets);
        const RawReply reply = client.read();
        EXPECT_EQ(reply.status, status) << octets.substr(0, 200);
        EXPECT_TRUE(reply.closes());
        EXPECT_FALSE(reply.body.empty());
        EXPECT_TRUE(client.at_end());
    }
};

std::string get(std::size_t target_length) {
    std::string target = "/length?";
    target.resize(target_length, 'm');
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

TEST_F(HttpLimitsTest, E07_H01_TakesLongRequestLinesUpToTheLimit) {
    start();
    EXPECT_EQ(ask(get(60'000)).body, "60000 0");
    EXPECT_EQ(ask(get(128 * 1024 - 13)).body, "131059 0");
}

TEST_F(HttpLimitsTest, H01_AnswersALongerOneWith414AndReportsItsLength) {
    start();
    expect_refused(get(200'000), 414);
    EXPECT_EQ(refusal().detail, "request line of 200013 octets, limit 131072");
    expect_alive();
}

TEST_F(HttpLimitsTest, H01_DoesNotMeasureForEver) {
    start();
    expect_refused(get(1'200'000), 414);
    EXPECT_NE(refusal().detail.find("request line of more than 10"), std::string::npos)
        << refusal().detail;
}

TEST_F(HttpLimitsTest, H02_AnswersTooManyOrTooLongFieldsWith431) {
    start();
    std::string flood = "GET /now HTTP/1.1\r\n";
    for (int i = 0; i < 10'000; ++i)
        flood += "A: b\r\n";
    expect_refused(flood + "\r\n", 431);
    expect_refused("GET /now HTTP/1.1\r\nA: " + std::string(100'000, 'b') + "\r\n\r\n", 431);
    const auto all = handler.refusals();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].detail, "more than 100 header fields");
    EXPECT_EQ(all[1].detail, "header fields of 100005 octets, limit 32768");
}

TEST_F(HttpLimitsTest, AnswersTooLongBodiesWith413) {
    settings.limits.body = 10'000;
    start();
    EXPECT_EQ(
        ask("POST /length HTTP/1.1\r\nContent-Length: 10000\r\n\r\n" + std::string(10'000, 'b'))
            .body,
        "7 10000");
    expect_refused(
        "POST /length HTTP/1.1\r\nContent-Length: 10001\r\n\r\n" + std::string(10'001, 'b'), 413);
    expect_refused("POST /length HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", 413);
    expect_refused("POST /length HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 99999\r\n\r\n",
                   413);
    expect_refused("POST /length HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2711\r\n", 413);
    expect_refused(
        "POST /length HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(500'000, 'e'),
        413);
    EXPECT_EQ(handler.refusals()[0].detail, "body of 10001 octets announced, limit 10000");
}

TEST_F(HttpLimitsTest, Z01_H07_RefusesAmbiguousFramingAndNeverReadsOn) {
    start();
    for (const char* framing : {"Transfer-Encoding: \"chunked\"\r\n",
                                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
                                "Content-Length: 5\r\nContent-Length: 5\r\n",
                                "Host: a\r\nHost: b\r\n", "X: a\r\n folded\r\n"}) {
        expect_refused("POST /echo HTTP/1.1\r\n" + std::string(framing) + "\r\n0\r\n\r\n" +
                           std::string(kGetNow),
                       400);
    }
    expect_refused("POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
                   415);
}

TEST_F(HttpLimitsTest, H13_AnswersOtherMethodsWith405AndTraceEchoesNothing) {
    start();
    RawClient client = connect();
    const RawReply reply = client.ask("TRACE /now HTTP/1.1\r\nCookie: secret\r\n\r\n");
    EXPECT_EQ(reply.status, 405U);
    EXPECT_TRUE(reply.has("Allow: GET, HEAD, POST\r\n"));
    EXPECT_EQ(reply.body, "Method Not Allowed\n");
    EXPECT_TRUE(client.at_end());
}

TEST_F(HttpLimitsTest, H14_RefusesTlsAndHttp2OnThePlainPortAtOnce) {
    start();
    expect_refused(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400);
    expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400);
    EXPECT_EQ(
        ask("GET /now HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
            .status,
        200U);
}

TEST_F(HttpLimitsTest, SurvivesGarbage) {
    settings.limits.header_time = settings.limits.request_time = milliseconds(200);
    start();
    std::mt19937 random(8894);
    for (int round = 0; round < 100; ++round) {
        std::string garbage(200, '\0');
        for (char& c : garbage)
            c = static_cast<char>(random());
        if (round % 2)
            garbage.insert(0, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        RawClient client = connect();
        client.try_send(garbage);
        const unsigned status = client.read().status;
        EXPECT_TRUE(status == 0 || (status >= 400 && status < 500)) << status;
    }
    expect_alive();
}

TEST_F(HttpLimitsTest, H03_SlowHeadersGet408AndDoNotHinderOthers) {
    settings.limits.header_time = milliseconds(500);
    start();
    std::list<RawClient> slow;
    for (int i = 0; i < 300; ++i) {
        slow.emplace_back(address());
        slow.back().send("GET /now HTTP/1.1\r\nX: ");
    }
    for (int i = 0; i < 50; ++i)
        expect_alive();
    for (RawClient& client : slow) {
        EXPECT_EQ(client.read().status, 408U);
        EXPECT_TRUE(client.at_end());
    }
}

TEST_F(HttpLimitsTest, H03_TricklingOctetsDoesNotMoveTheDeadline) {
    settings.limits.header_time = milliseconds(300);
    start();
    RawClient client = connect();
    const auto before = std::chrono::steady_clock::now();
    client.send("GET /now HTTP/1.1\r\n");
    while (client.try_send("X: y\r\n") &&
           std::chrono::steady_clock::now() - before < milliseconds(200)) {
    }
    const unsigned status = client.read().status;
    EXPECT_TRUE(status == 408 || status == 431) << status;
}

TEST_F(HttpLimitsTest, H03_ASlowBodyGets408) {
    settings.limits.request_time = milliseconds(300);
    start();
    expect_refused("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc", 408);
    expect_refused("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 408);
    EXPECT_EQ(handler.refusals()[0].detail, "body not complete in time, stopped after 3 octets");
}

TEST_F(HttpLimitsTest, H05_ClosesIdleAndSilentConnectionsWithoutAWord) {
    settings.limits.idle_time = settings.limits.header_time = milliseconds(200);
    start();
    RawClient silent = connect();
    RawClient idle = connect();
    ASSERT_EQ(idle.ask(kGetNow).status, 200U);
    EXPECT_TRUE(silent.at_end());
    EXPECT_TRUE(idle.at_end());
    EXPECT_TRUE(handler.refusals().empty());
}

TEST_F(HttpLimitsTest, H05_BetweenRequestsTheIdleTimeCountsNotTheHeaders) {
    settings.limits.idle_time = milliseconds(200);
    settings.limits.header_time = std::chrono::minutes(1);
    start();
    RawClient idle = connect();
    ASSERT_EQ(idle.ask(kGetNow).status, 200U);
    EXPECT_TRUE(idle.at_end());
}

TEST_F(HttpLimitsTest, H04_GivesUpOnAPeerThatDoesNotReadItsReply) {
    settings.limits.write_time = milliseconds(300);
    start();
    RawClient client = connect();
    client.small_receive_buffer();
    client.send("GET /big HTTP/1.1\r\n\r\n");
    expect_alive();
    const auto before = std::chrono::steady_clock::now();
    server->drain(std::chrono::seconds(10));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(8));
    EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpLimitsTest, H04_RepliesThatNobodyReadsHoldNoMoreThanAllMay) {
    settings.limits.write_time = std::chrono::seconds(30);
    start();
    constexpr std::size_t kBig = std::size_t{32} << 20;
    std::list<RawClient> deaf;
    for (std::size_t held = 0; held + kBig <= ConnectionCounts::kMostLarge; held += kBig) {
        deaf.emplace_back(address());
        deaf.back().small_receive_buffer();
        deaf.back().send("GET /big HTTP/1.1\r\n\r\n");
        EXPECT_EQ(deaf.back().read(true).status, 200U) << "its reply is on the way";
    }
    const auto more = [&] { return ask("GET /big HTTP/1.1\r\n\r\n"); };
    EXPECT_EQ(more().status, 503U);
    EXPECT_TRUE(refusal().detail.starts_with("a reply of 335544")) << refusal().detail;
    EXPECT_EQ(ask("GET /echo HTTP/1.1\r\n\r\n").status, 200U) << "small ones are written";
    deaf.pop_back();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    unsigned status = 503;
    while (status == 503 && std::chrono::steady_clock::now() < until)
        status = more().status;
    EXPECT_EQ(status, 200U) << "what one held is free again";
}

TEST_F(HttpLimitsTest, H10_ABodyThatEndsEarlyIsRefused) {
    start();
    RawClient client = connect();
    client.send("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    client.end_sending();
    EXPECT_EQ(client.read().status, 400U);
    EXPECT_EQ(refusal().detail, "the connection ended within the body after 3 octets");
}

TEST_F(HttpLimitsTest, SendsAReplyWholeThatNoSocketBufferHolds) {
    start();
    EXPECT_EQ(ask("GET /big HTTP/1.1\r\n\r\n").body.size(), 32U << 20);
}

}  // namespace
}  // namespace scepgate::server::test::this_file
