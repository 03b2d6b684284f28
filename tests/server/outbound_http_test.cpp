#include "server/outbound_http.hpp"

#include <fstream>
#include <future>
#include <latch>
#include <sstream>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include "server/outbound_url.hpp"
#include "server/time_limit.hpp"
#include "tests/server/support/http_fixture.hpp"

namespace scepgate::server::test::this_file {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;
using policy::HttpAnswer;
using policy::HttpCall;
using Answer = Result<HttpAnswer>;

const fs::path kTls = fs::path(SCEPGATE_TEST_DATA) / "server/tls";

std::string text_of(const fs::path& file) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

class OutboundHttpTest : public HttpServerTest {
protected:
    OutboundHttpTest() { plain.allow_http = true; }
    ~OutboundHttpTest() override {
        handler.finish();
        http.stop();
        callers.join();
    }

    std::shared_ptr<policy::HttpClient> client() { return http.client(std::move(plain)); }

    HttpCall call(const std::string& path,
                  std::chrono::milliseconds timeout = std::chrono::seconds(10)) const {
        HttpCall made;
        made.method = "GET";
        made.url = scheme + "://" + address() + path;
        made.timeout = timeout;
        return made;
    }

    std::future<Answer> send_later(const std::shared_ptr<policy::HttpClient>& by, HttpCall made) {
        auto work = [](std::shared_ptr<policy::HttpClient> with,
                       HttpCall what) -> asio::awaitable<Answer> {
            co_return co_await with->send(std::move(what));
        }(by, std::move(made));
        return asio::co_spawn(callers, std::move(work), asio::use_future);
    }
    Answer send(const std::shared_ptr<policy::HttpClient>& by, HttpCall made) {
        return send_later(by, std::move(made)).get();
    }
    Answer send(HttpCall made) { return send(client(), std::move(made)); }

    /// A listener that speaks TLS with this certificate.
    void start_tls(const std::string& name) {
        KeyPairConfig pair;
        pair.certificate = folder() / (name + ".cert.pem");
        pair.key.pem.file = folder() / (name + ".key.pem");
        fs::copy_file(kTls / (name + ".cert.pem"), pair.certificate);
        fs::copy_file(kTls / (name + ".key.pem"), *pair.key.pem.file);
        fs::permissions(*pair.key.pem.file, fs::perms::owner_read);
        settings.listen.front().tls = pair;
        scheme = "https";
        plain.allow_http = false;
        start();
        fs::remove_all(folder());
    }
    /// Of a server with this certificate, to who trusts that one alone.
    std::string refusal_of(const std::string& shown, const std::string& trusted) {
        plain.ca_bundle = text_of(kTls / (trusted + ".cert.pem"));
        start_tls(shown);
        const auto answer = send(call("/now"));
        return answer ? "answered" : answer.error().detail;
    }
    const fs::path& folder() {
        if (folder_.empty()) {
            std::string name = fs::path(::testing::TempDir()) / "scepgate-outbound-XXXXXX";
            if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
            folder_ = name;
        }
        return folder_;
    }

    OutboundSettings plain;
    std::string scheme = "http";
    OutboundHttp http;
    asio::thread_pool callers{2};

private:
    fs::path folder_;
};

/// A peer that takes one connection, reads what comes, and answers with `octets` as they are.
class OddPeer {
public:
    explicit OddPeer(std::string octets) : octets_(std::move(octets)), thread_([this] { run(); }) {}
    ~OddPeer() { thread_.join(); }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
    }
    /// What was asked; after the answer came.
    [[nodiscard]] std::string request() { return request_.get_future().get(); }

private:
    void run() {
        tcp::socket socket(context_);
        acceptor_.accept(socket);
        std::string request;
        char buffer[65536];
        boost::system::error_code error;
        while (request.find("\r\n\r\n") == std::string::npos && !error)
            request.append(buffer, socket.read_some(asio::buffer(buffer), error));
        request_.set_value(request);
        asio::write(socket, asio::buffer(octets_), error);
    }

    asio::io_context context_;
    tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::string octets_;
    std::promise<std::string> request_;
    std::thread thread_;
};

TEST_F(OutboundHttpTest, BringsStatusFieldsAndBody) {
    start();
    const auto answer = send(call("/now"));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "now");
    const auto type = std::find_if(answer->fields.begin(), answer->fields.end(),
                                   [](const auto& field) { return field.first == "content-type"; });
    ASSERT_NE(type, answer->fields.end());
    EXPECT_EQ(type->second, "text/plain");
    const auto missing = send(call("/nothing-there"));
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->status, 404);
}

TEST_F(OutboundHttpTest, SendsWhatItWasGivenAndNothingElse) {
    OddPeer peer("HTTP/1.1 204 No Content\r\n\r\n");
    HttpCall made;
    made.url = peer.url() + "a?b=c";
    made.fields = {{"Authorization", "Bearer abc"}, {"UserAgent", "x"}, {"Empty", ""}};
    made.body = Secret("{}");
    const auto answer = send(std::move(made));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->status, 204);
    const std::string host = peer.url().substr(7, peer.url().size() - 8);
    EXPECT_EQ(peer.request(), "POST /a?b=c HTTP/1.1\r\nHost: " + host +
                                  "\r\nUser-Agent: scepgate/" SCEPGATE_VERSION
                                  "\r\nAuthorization: Bearer abc\r\nUserAgent: x\r\nEmpty:\r\n"
                                  "Content-Length: 2\r\n\r\n{}");
}

TEST_F(OutboundHttpTest, DoesNotFollowRedirects) {
    OddPeer peer(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    HttpCall made;
    made.url = peer.url();
    const auto answer = send(std::move(made));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->status, 302);
}

TEST_F(OutboundHttpTest, TakesNoFieldFromATrailerOrAnInterimAnswer) {
    OddPeer peer(
        "HTTP/1.1 103 Early Hints\r\nEarly: 1\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nReal: 1\r\n\r\n"
        "2\r\nok\r\n0\r\nLate: 1\r\n\r\n");
    HttpCall made;
    made.url = peer.url();
    const auto answer = send(std::move(made));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->body, "ok");
    EXPECT_EQ(answer->fields,
              (policy::HttpFields{{"transfer-encoding", "chunked"}, {"real", "1"}}));
}

TEST_F(OutboundHttpTest, AnAnswerThatIsCutOffIsNone) {
    OddPeer peer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    HttpCall made;
    made.url = peer.url();
    const auto answer = send(std::move(made));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_NE(answer.error().detail.find("cut"), std::string::npos) << answer.error().detail;
}

TEST_F(OutboundHttpTest, AHeaderOverTheLimitIsRefused) {
    OddPeer peer("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'x') + "\r\n\r\n");
    HttpCall made;
    made.url = peer.url();
    const auto answer = send(std::move(made));
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().detail.find("header is too large"), std::string::npos)
        << answer.error().detail;
}

TEST_F(OutboundHttpTest, ABodyOverTheLimitIsRefused) {
    start();
    const auto answer = send(call("/big"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnsupported);
    EXPECT_NE(answer.error().detail.find("body is too large"), std::string::npos)
        << answer.error().detail;
}

TEST_F(OutboundHttpTest, AServiceThatDoesNotAnswerInTimeIsUnavailable) {
    start();
    const auto answer = send(call("/gate", std::chrono::milliseconds(200)));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_NE(answer.error().detail.find("within 200 ms"), std::string::npos)
        << answer.error().detail;
}

TEST_F(OutboundHttpTest, NobodyListeningIsUnavailable) {
    start();
    HttpCall made = call("/now");
    server.reset();
    const auto answer = send(std::move(made));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_NE(answer.error().detail.find("Connection refused"), std::string::npos)
        << answer.error().detail;
}

TEST_F(OutboundHttpTest, AnUnknownHostIsUnavailable) {
    HttpCall made;
    made.url = "http://nothing.invalid/";
    const auto answer = send(std::move(made));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_TRUE(answer.error().detail.starts_with("nothing.invalid: ")) << answer.error().detail;
}

TEST_F(OutboundHttpTest, TrustsTheGivenBundle) {
    plain.ca_bundle = text_of(kTls / "loopback.cert.pem");
    start_tls("loopback");
    const auto answer = send(call("/now"));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->body, "now");
}

TEST_F(OutboundHttpTest, AnUntrustedCertificateIsRefused) {
    EXPECT_NE(refusal_of("loopback", "second").find("not trusted: self-signed certificate"),
              std::string::npos);
}

TEST_F(OutboundHttpTest, ACertificateForAnotherHostIsRefused) {
    EXPECT_NE(refusal_of("first", "first").find("another host name"), std::string::npos);
}

TEST_F(OutboundHttpTest, PlainHttpNeedsToBeAllowed) {
    start();
    plain.allow_http = false;
    const auto answer = send(call("/now"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kConfig);
}

TEST_F(OutboundHttpTest, RefusesAFieldThatWouldEndItsLine) {
    start();
    HttpCall made = call("/now");
    made.fields = {{"A", "b\r\nC: d"}};
    const auto answer = send(std::move(made));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kMalformed);
}

TEST_F(OutboundHttpTest, AHundredCallsAtOnceAllGetTheirOwnAnswer) {
    start();
    const auto by = client();
    std::vector<std::future<Answer>> answers;
    for (int i = 0; i < 100; ++i)
        answers.push_back(send_later(by, call("/echo?" + std::to_string(i))));
    for (int i = 0; i < 100; ++i) {
        const auto answer = answers[static_cast<std::size_t>(i)].get();
        ASSERT_TRUE(answer) << answer.error().detail;
        EXPECT_TRUE(answer->body.starts_with("GET " + std::to_string(i) + " ")) << answer->body;
    }
}

TEST_F(OutboundHttpTest, OneCallMoreThanTheLimitIsRefusedAtOnceAndAnotherClientIsNot) {
    start();
    OutboundSettings small;
    small.allow_http = true;
    small.in_flight = 1;
    small.waiting = 0;
    const auto by = http.client(std::move(small));
    auto running = send_later(by, call("/gate"));
    handler.wait_at_gate();
    const auto second = send(by, call("/now"));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().detail.find("waiting for an answer already"), std::string::npos)
        << second.error().detail;
    EXPECT_TRUE(send(client(), call("/now")));
    handler.open();
    EXPECT_TRUE(running.get());
    EXPECT_TRUE(send(by, call("/now")));
}

TEST_F(OutboundHttpTest, ACallThatWaitsForOthersLearnsThatItsTimeIsOver) {
    start();
    OutboundSettings small;
    small.allow_http = true;
    small.in_flight = 1;
    const auto by = http.client(std::move(small));
    auto running = send_later(by, call("/gate"));
    handler.wait_at_gate();
    const auto late = send(by, call("/now", std::chrono::milliseconds(100)));
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().detail.find("within 100 ms"), std::string::npos) << late.error().detail;
    handler.open();
    EXPECT_TRUE(running.get());
}

TEST_F(OutboundHttpTest, ACancelledCallEndsAtOnceAndMakesRoom) {
    start();
    OutboundSettings small;
    small.allow_http = true;
    small.in_flight = 1;
    small.waiting = 0;
    const auto by = http.client(std::move(small));
    auto work = [](std::shared_ptr<policy::HttpClient> with,
                   HttpCall what) -> asio::awaitable<Answer> {
        auto inner = [](std::shared_ptr<policy::HttpClient> client,
                        HttpCall call) -> asio::awaitable<Answer> {
            co_return co_await client->send(std::move(call));
        }(with, std::move(what));
        auto ended = co_await within(std::chrono::milliseconds(100), std::move(inner));
        if (ended.value) co_return std::move(*ended.value);
        co_return Error{Errc::kInternal, "given up"};
    }(by, call("/gate"));
    const auto given_up = asio::co_spawn(callers, std::move(work), asio::use_future).get();
    ASSERT_FALSE(given_up);
    EXPECT_EQ(given_up.error().detail, "given up");
    // The gate is still shut: only the end of the cancelled call makes room.
    Answer next = Error{};
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!next && std::chrono::steady_clock::now() < until)
        next = send(by, call("/now"));
    EXPECT_TRUE(next) << next.error().detail;
}

TEST_F(OutboundHttpTest, StoppingEndsWhatRunsAndRefusesWhatComes) {
    start();
    const auto by = client();
    auto running = send_later(by, call("/gate"));
    handler.wait_at_gate();
    http.stop();
    const auto ended = running.get();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Errc::kUnavailable);
    const auto later = send(by, call("/now"));
    ASSERT_FALSE(later);
    EXPECT_NE(later.error().detail.find("stopping"), std::string::npos);
}

TEST_F(OutboundHttpTest, AClientMayOutliveIt) {
    start();
    std::shared_ptr<policy::HttpClient> by;
    {
        OutboundHttp gone;
        OutboundSettings some;
        some.allow_http = true;
        by = gone.client(std::move(some));
    }
    EXPECT_FALSE(send(by, call("/now")));
}

TEST_F(OutboundHttpTest, AProxyGetsATunnelAndNoneOfTheFields) {
    OddPeer proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    plain.proxy = proxy.url();
    plain.proxy_user = "who";
    plain.proxy_password = Secret("secret");
    HttpCall made;
    made.url = "http://service.example/";
    made.fields = {{"Authorization", "Bearer abc"}};
    const auto answer = send(std::move(made));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().detail, "service.example: the proxy answered 407 to CONNECT");
    const std::string asked = proxy.request();
    EXPECT_TRUE(asked.starts_with("CONNECT service.example:80 HTTP/1.1\r\n")) << asked;
    EXPECT_EQ(asked.find("Bearer"), std::string::npos) << asked;
    EXPECT_NE(asked.find("Proxy-Authorization: Basic d2hvOnNlY3JldA==\r\n"), std::string::npos)
        << asked;
}

TEST(OutboundUrlTest, OnlyHttpsWithoutSecretsIsCalled) {
    const auto host = check_outbound_url("https://service.example:8443/a", false);
    ASSERT_TRUE(host);
    EXPECT_EQ(*host, "service.example:8443");
    EXPECT_TRUE(check_outbound_url("https://[::1]/", false));
    EXPECT_TRUE(check_outbound_url("http://127.0.0.1/", true));
    for (const char* refused :
         {"http://a.example/", "ftp://a.example/", "file:///etc/passwd", "https://", "a.example",
          "", "https://u@a.example/", "https://u:p@a.example/", "https://a.example/#b",
          "https://a.example/ b", "https://a.example/\r\nX: y"}) {
        const auto judged = check_outbound_url(refused, false);
        ASSERT_FALSE(judged) << refused;
        EXPECT_EQ(judged.error().code, Errc::kConfig);
    }
}

}  // namespace
}  // namespace scepgate::server::test::this_file
