#include "tests/server/support/http_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scepgate::server::test {

namespace asio = boost::asio;

FakeHandler::~FakeHandler() {
    finish();
}

std::shared_ptr<const PreparedReply> FakeHandler::immediate(const HttpRequest& request) noexcept {
    static const auto now =
        std::make_shared<const PreparedReply>(200, "text/plain", as_bytes("now"));
    return request.path == "/now" ? now : nullptr;
}

asio::awaitable<HttpReply> FakeHandler::handle(HttpRequest request) {
    HttpReply reply;
    std::string text;
    if (request.path == "/echo") {
        constexpr const char* kMethods[] = {"GET", "HEAD", "POST"};
        text = std::string(kMethods[static_cast<int>(request.method)]) + " " + request.raw_query +
               " " + request.client_address + " " + request.user_agent + " " +
               std::string(as_text(request.body));
    } else if (request.path == "/details") {
        if (const auto* d = request.details.get()) {
            text = std::string(d->authorization.text()) + "|" + d->host + "|" + d->origin + "|" +
                   d->referer + "|" + d->sec_fetch_site + "|" + d->content_type + "|" +
                   (d->repeated ? "repeated" : "");
        } else {
            text = "none";
        }
    } else if (request.path == "/length") {
        text = std::to_string(request.uri_length) + " " + std::to_string(request.body.size());
    } else if (request.path == "/big") {
        text.assign(32 << 20, 'x');
    } else if (request.path == "/later") {
        reply.not_before = request.received + std::chrono::milliseconds(300);
    } else if (request.path == "/gate") {
        auto task = pass_gate();
        co_await asio::co_spawn(pool_.get_executor(), std::move(task), asio::use_awaitable);
        text = "passed";
    } else if (request.path == "/throw") {
        throw std::runtime_error("secret detail");
    } else {
        reply.status = 404;
    }
    reply.headers = "Cache-Control: no-store\r\n";
    reply.body = to_bytes(as_bytes(text));
    co_return reply;
}

asio::awaitable<void> FakeHandler::pass_gate() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    co_return;
}

void FakeHandler::refused(std::string_view client_address, unsigned status,
                          std::string_view detail) noexcept {
    const std::lock_guard lock(mutex_);
    refused_.push_back({std::string(client_address), status, std::string(detail)});
}

std::vector<FakeHandler::Refused> FakeHandler::refusals() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

void FakeHandler::wait_at_gate() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
}

void FakeHandler::open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
}

void FakeHandler::finish() {
    open();
    pool_.join();
}

HttpServerTest::HttpServerTest() {
    settings.listen.push_back({"127.0.0.1:0", std::nullopt});
    settings.io_threads = 2;
}

void HttpServerTest::start() {
    auto created = HttpServer::create(settings, handler);
    ASSERT_TRUE(created) << created.error().detail;
    server = std::move(*created);
    server->start();
}

void HttpServerTest::expect_alive() const {
    const RawReply reply = ask(kGetNow);
    EXPECT_EQ(reply.status, 200U);
    EXPECT_EQ(reply.body, "now");
}

FakeHandler::Refused HttpServerTest::refusal() const {
    const auto all = handler.refusals();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? FakeHandler::Refused{} : all.front();
}

}  // namespace scepgate::server::test
