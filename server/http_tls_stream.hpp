// The octets of one TLS connection.
#pragma once

#include <memory>

#include <openssl/ssl.h>

#include "certs/ossl.hpp"
#include "server/http_stream.hpp"

namespace scepgate::server {

using SslPtr = std::unique_ptr<SSL, certs::Deleter<SSL_free>>;

/// TLS as the context of a TlsCredentials has it. OpenSSL reads and writes the socket itself, and
/// holds buffers only while a record is on its way: asio's own TLS stream keeps 70 KiB of them for
/// each connection, idle or not.
///
/// SIGPIPE is to be ignored: OpenSSL writes with write(2). (TlsCredentials::load sees to it.)
class TlsStream final : public HttpStream {
public:
    /// `socket` does not block. Throws std::bad_alloc when OpenSSL has no memory.
    TlsStream(Socket socket, std::shared_ptr<SSL_CTX> context);

    boost::asio::awaitable<boost::system::error_code> handshake() override;
    std::size_t read_now(boost::asio::mutable_buffer space,
                         boost::system::error_code& error) override;
    boost::asio::awaitable<IoResult> read(boost::asio::mutable_buffer space) override;
    std::size_t write_now(const Parts& parts, boost::system::error_code& error) override;
    boost::asio::awaitable<boost::system::error_code> write(Parts parts) override;
    boost::asio::awaitable<void> say_goodbye() override;
    [[nodiscard]] Bytes peer_certificate() const override;
    Socket& socket() noexcept override { return socket_; }

private:
    boost::system::error_code take_error(int result);
    std::size_t write_some(boost::asio::const_buffer octets, boost::system::error_code& error);
    boost::asio::awaitable<boost::system::error_code> wait();

    std::shared_ptr<SSL_CTX> context_;
    Socket socket_;
    SslPtr tls_;
    Socket::wait_type awaited_ = Socket::wait_read;  ///< what the last operation wants
    bool broken_ = false;  ///< after a fatal error OpenSSL is not asked for anything more
};

}  // namespace scepgate::server
