// The octet stream under a connection: TCP, or TLS over it (http_tls_stream.hpp).
#pragma once

#include <array>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "certs/bytes.hpp"

namespace scepgate::server {

// Errors on a socket are everyday events, so they come back as values, not exceptions.
inline constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Header and body of a reply.
using Parts = std::array<boost::asio::const_buffer, 2>;
/// Takes `count` octets off the front.
void advance(Parts& parts, std::size_t count) noexcept;

struct IoResult {
    boost::system::error_code error;
    std::size_t count = 0;
};

/// The operations with "now" never wait: would_block says that nothing could be done. The reads and
/// writes are those of one coroutine; cancel() and close() may come from another on the same
/// thread.
class HttpStream {
public:
    using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                                    boost::asio::io_context::executor_type>;

    virtual ~HttpStream() = default;

    virtual boost::asio::awaitable<boost::system::error_code> handshake() = 0;
    virtual std::size_t read_now(boost::asio::mutable_buffer space,
                                 boost::system::error_code& error) = 0;
    virtual boost::asio::awaitable<IoResult> read(boost::asio::mutable_buffer space) = 0;
    virtual std::size_t write_now(const Parts& parts, boost::system::error_code& error) = 0;
    /// Writes all of it.
    virtual boost::asio::awaitable<boost::system::error_code> write(Parts parts) = 0;
    /// Tells the peer that no more comes, where the protocol has a word for it.
    virtual boost::asio::awaitable<void> say_goodbye() = 0;

    /// DER of the certificate that the peer has proved to hold; empty: none.
    [[nodiscard]] virtual Bytes peer_certificate() const { return {}; }

    virtual Socket& socket() noexcept = 0;
    void cancel() noexcept;
    void close() noexcept;
    /// Reads below the protocol, to throw away.
    boost::asio::awaitable<IoResult> read_raw(boost::asio::mutable_buffer space);
};

class PlainStream final : public HttpStream {
public:
    explicit PlainStream(Socket socket) noexcept : socket_(std::move(socket)) {}

    boost::asio::awaitable<boost::system::error_code> handshake() override;
    std::size_t read_now(boost::asio::mutable_buffer space,
                         boost::system::error_code& error) override;
    boost::asio::awaitable<IoResult> read(boost::asio::mutable_buffer space) override;
    std::size_t write_now(const Parts& parts, boost::system::error_code& error) override;
    boost::asio::awaitable<boost::system::error_code> write(Parts parts) override;
    boost::asio::awaitable<void> say_goodbye() override;
    Socket& socket() noexcept override { return socket_; }

private:
    Socket socket_;
};

}  // namespace scepgate::server
