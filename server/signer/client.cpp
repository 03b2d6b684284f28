#include "server/signer/client.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

namespace scepgate::server::signer {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kMostIdle = 64;

}  // namespace

struct SignerClient::Connection {
    explicit Connection(asio::io_context& context) : socket(context), timer(context) {}
    void close() {
        error_code ignored;
        socket.close(ignored);
    }

    UnixSocket socket;
    asio::steady_timer timer;
    bool used = false;  ///< an order was answered on it
};

SignerClient::SignerClient(std::filesystem::path socket, std::chrono::milliseconds time)
    : path_(std::move(socket)),
      time_(time),
      work_(asio::make_work_guard(context_)),
      thread_([this] { context_.run(); }) {}

SignerClient::~SignerClient() {
    context_.stop();
    thread_.join();
}

asio::awaitable<Result<Answer>> SignerClient::ask(Order order) {
    auto exchanging = exchange(encode(order));
    co_return co_await asio::co_spawn(context_, std::move(exchanging), asio::use_awaitable);
}

Result<Answer> SignerClient::ask_and_wait(const Order& order) {
    return send_and_wait(encode(order));
}

Result<Answer> SignerClient::send_and_wait(Bytes frame) {
    return asio::co_spawn(context_, exchange(std::move(frame)), asio::use_future).get();
}

asio::awaitable<Result<SignerClient::ConnectionPtr>> SignerClient::connect() {
    auto connection = std::make_shared<Connection>(context_);
    const asio::local::stream_protocol::endpoint endpoint(path_.string());
    const auto [error] = co_await connection->socket.async_connect(endpoint, kAsTuple);
    if (error) {
        co_return Error{Errc::kUnavailable,
                        "no signer at " + path_.string() + ": " + error.message()};
    }
    co_return connection;
}

asio::awaitable<Result<Bytes>> SignerClient::attempt(ConnectionPtr connection, const Bytes& frame,
                                                     Deadline deadline) {
    connection->timer.expires_at(deadline);
    connection->timer.async_wait([weak = std::weak_ptr(connection)](const error_code& error) {
        const auto late = weak.lock();
        if (!error && late) late->close();
    });
    auto written = co_await write_frame(connection->socket, frame);
    Result<Bytes> answer;
    if (written) {
        answer = co_await read_frame(connection->socket, &read_answer_header);
    } else {
        answer = written.error();
    }
    connection->timer.cancel();
    if (!answer && answer.error().detail.empty()) {
        co_return Error{Errc::kUnavailable, "the signer closed the connection without an answer"};
    }
    co_return answer;
}

asio::awaitable<Result<Answer>> SignerClient::exchange(Bytes frame) {
    const Deadline deadline = std::chrono::steady_clock::now() + time_;
    Error last;
    // The first connection may be one that the signer has closed meanwhile, and so may the next.
    for (int attempts = 0; attempts < 2;) {
        ConnectionPtr connection;
        if (!idle_.empty()) {
            connection = std::move(idle_.back());
            idle_.pop_back();
        } else {
            auto connected = co_await connect();
            if (!connected) co_return connected.error();
            connection = *std::move(connected);
        }
        if (!connection->used) ++attempts;
        auto octets = co_await attempt(connection, frame, deadline);
        if (!octets) {
            last = octets.error();
            if (last.code != Errc::kUnavailable) break;
            if (std::chrono::steady_clock::now() >= deadline) {
                last.detail = "no answer within " + std::to_string(time_.count()) + " ms";
                break;
            }
            continue;
        }
        auto answer = decode_answer(*octets);
        if (!answer) co_return answer.error();
        connection->used = true;
        if (idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
        co_return answer;
    }
    co_return in_context("signer at " + path_.string(), last);
}

}  // namespace scepgate::server::signer
