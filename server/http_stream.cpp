#include "server/http_stream.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using boost::system::error_code;

void advance(Parts& parts, std::size_t count) noexcept {
    for (auto& part : parts) {
        const std::size_t here = std::min(count, part.size());
        part += here;
        count -= here;
    }
}

void HttpStream::cancel() noexcept {
    error_code ignored;
    socket().cancel(ignored);
}

void HttpStream::close() noexcept {
    error_code ignored;
    socket().close(ignored);
}

asio::awaitable<IoResult> HttpStream::read_raw(asio::mutable_buffer space) {
    IoResult result;
    do {
        // To wait and then read without waiting costs one call less than async_read_some, which
        // tries to read first.
        const auto [error] = co_await socket().async_wait(Socket::wait_read, kAsTuple);
        if (error) co_return IoResult{error, 0};
        result.count = socket().read_some(space, result.error);
    } while (result.error == asio::error::would_block);
    co_return result;
}

asio::awaitable<error_code> PlainStream::handshake() {
    co_return error_code();
}

std::size_t PlainStream::read_now(asio::mutable_buffer space, error_code& error) {
    return socket_.read_some(space, error);
}

asio::awaitable<IoResult> PlainStream::read(asio::mutable_buffer space) {
    return read_raw(space);
}

std::size_t PlainStream::write_now(const Parts& parts, error_code& error) {
    // send() costs the kernel less than sendmsg().
    if (parts[1].size() == 0) return socket_.write_some(parts[0], error);
    return socket_.write_some(parts, error);
}

asio::awaitable<error_code> PlainStream::write(Parts parts) {
    while (asio::buffer_size(parts) > 0) {
        const auto [not_ready] = co_await socket_.async_wait(Socket::wait_write, kAsTuple);
        if (not_ready) co_return not_ready;
        error_code error;
        advance(parts, socket_.write_some(parts, error));
        if (error && error != asio::error::would_block) co_return error;
    }
    co_return error_code();
}

asio::awaitable<void> PlainStream::say_goodbye() {
    co_return;
}

}  // namespace scepgate::server
