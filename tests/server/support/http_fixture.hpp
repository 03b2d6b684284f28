// A server on a free loopback port with a handler that does what the path says.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "server/http_server.hpp"
#include "tests/server/support/http_client.hpp"

namespace scepgate::server::test {

/// "/now": from memory. "/echo": what was understood. "/big": 32 MiB. "/later": after 300 ms.
/// "/gate": on another thread, when open() was called. "/throw": an exception. "/details": them.
class FakeHandler final : public HttpHandler {
public:
    struct Refused {
        std::string client;
        unsigned status;
        std::string detail;
    };

    bool details = false;  ///< wants them

    ~FakeHandler() override;
    [[nodiscard]] bool wants_details() const noexcept override { return details; }
    std::shared_ptr<const PreparedReply> immediate(const HttpRequest& request) noexcept override;
    boost::asio::awaitable<HttpReply> handle(HttpRequest request) override;
    void refused(std::string_view client_address, unsigned status,
                 std::string_view detail) noexcept override;

    [[nodiscard]] std::vector<Refused> refusals() const;
    /// Returns when a request waits at the gate.
    void wait_at_gate();
    void open();
    /// Opens the gate and joins the handler's threads.
    void finish();

private:
    boost::asio::awaitable<void> pass_gate();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Refused> refused_;
    unsigned waiting_ = 0;
    bool open_ = false;
    boost::asio::thread_pool pool_{2};
};

class HttpServerTest : public ::testing::Test {
protected:
    HttpServerTest();
    ~HttpServerTest() override { handler.finish(); }

    /// Serves with `settings`.
    void start();
    [[nodiscard]] std::string address() const { return server->addresses().front(); }
    [[nodiscard]] RawClient connect() const { return RawClient(address()); }
    /// One request on a connection of its own.
    [[nodiscard]] RawReply ask(std::string_view octets) const { return connect().ask(octets); }
    void expect_alive() const;
    /// The one refusal so far.
    [[nodiscard]] FakeHandler::Refused refusal() const;

    HttpSettings settings;
    FakeHandler handler;
    std::unique_ptr<HttpServer> server;
};

inline constexpr std::string_view kGetNow = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace scepgate::server::test
