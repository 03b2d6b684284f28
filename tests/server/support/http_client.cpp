#include "tests/server/support/http_client.hpp"

#include <charconv>
#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/write.hpp>

#include "server/http_address.hpp"

namespace scepgate::server::test {

namespace asio = boost::asio;
using boost::system::error_code;

RawClient::RawClient(const std::string& address) : socket_(context_) {
    socket_.connect(*parse_endpoint(address));
    const timeval limit{10, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void RawClient::send(std::string_view octets) {
    asio::write(socket_, asio::buffer(octets));
}

bool RawClient::try_send(std::string_view octets) {
    error_code error;
    asio::write(socket_, asio::buffer(octets), error);
    return !error;
}

bool RawClient::fill() {
    char octets[65536];
    // recv() itself: asio would wait on after the time limit.
    const ssize_t count = ::recv(socket_.native_handle(), octets, sizeof octets, 0);
    if (count <= 0) return false;
    buffer_.append(octets, static_cast<std::size_t>(count));
    return true;
}

RawReply RawClient::read(bool head) {
    RawReply reply;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (!fill()) return reply;
    }
    reply.header = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    std::from_chars(reply.header.data() + 9, reply.header.data() + 12, reply.status);
    constexpr std::string_view kLength = "Content-Length: ";
    const auto field = reply.header.find(kLength);
    std::size_t length = 0;
    if (field != std::string::npos && !head) {
        const char* digits = reply.header.data() + field + kLength.size();
        std::from_chars(digits, reply.header.data() + reply.header.size(), length);
    }
    while (buffer_.size() < length && fill()) {
    }
    reply.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return reply;
}

bool RawClient::at_end() {
    if (!buffer_.empty()) return false;
    char octet;
    return ::recv(socket_.native_handle(), &octet, 1, 0) == 0;
}

void RawClient::end_sending() {
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send);
}

void RawClient::reset() {
    socket_.set_option(asio::socket_base::linger(true, 0));
    socket_.close();
}

void RawClient::small_receive_buffer() {
    socket_.set_option(asio::socket_base::receive_buffer_size(1));
}

}  // namespace scepgate::server::test
