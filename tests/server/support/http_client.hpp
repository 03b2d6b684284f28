// A client that sends any octets and reads replies, over TCP.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace scepgate::server::test {

struct RawReply {
    unsigned status = 0;  ///< 0: none, the connection ended
    std::string header;   ///< through the empty line
    std::string body;

    [[nodiscard]] bool has(std::string_view header_text) const {
        return header.find(header_text) != std::string::npos;
    }
    [[nodiscard]] bool closes() const { return has("Connection: close\r\n"); }
};

/// Blocking, with a limit of ten seconds on each operation, so that a failure is no hang.
class RawClient {
public:
    /// `address` as HttpServer::addresses() gives it.
    explicit RawClient(const std::string& address);

    void send(std::string_view octets);
    /// As far as the peer takes them; false when it did not take all.
    bool try_send(std::string_view octets);
    /// The next reply; `head`: it has no body.
    RawReply read(bool head = false);
    RawReply ask(std::string_view octets) {
        send(octets);
        return read();
    }
    /// True when the peer has closed and everything was read.
    bool at_end();
    void end_sending();
    /// Ends with a RST.
    void reset();
    void small_receive_buffer();

private:
    bool fill();

    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
    std::string buffer_;
};

}  // namespace scepgate::server::test
