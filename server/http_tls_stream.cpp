#include "server/http_tls_stream.hpp"

#include <cerrno>
#include <new>
#include <string>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/crypto.h>
#include <openssl/err.h>

namespace scepgate::server {

namespace asio = boost::asio;
using boost::system::error_code;

TlsStream::TlsStream(Socket socket, std::shared_ptr<SSL_CTX> context)
    : context_(std::move(context)), socket_(std::move(socket)), tls_(SSL_new(context_.get())) {
    if (!tls_ || SSL_set_fd(tls_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
    SSL_set_accept_state(tls_.get());
}

/// What an operation that gave `result` came to; would_block: try again after wait().
error_code TlsStream::take_error(int result) {
    const int system = errno;
    switch (SSL_get_error(tls_.get(), result)) {
        case SSL_ERROR_NONE:
            return {};
        case SSL_ERROR_WANT_READ:
            awaited_ = Socket::wait_read;
            return asio::error::would_block;
        case SSL_ERROR_WANT_WRITE:
            awaited_ = Socket::wait_write;
            return asio::error::would_block;
        case SSL_ERROR_ZERO_RETURN:
            return asio::error::eof;
        case SSL_ERROR_SYSCALL:
            broken_ = true;
            if (system == 0) return asio::error::eof;
            return {system, boost::system::system_category()};
        default:
            break;
    }
    broken_ = true;
    const unsigned long code = ERR_get_error();
    // A peer that leaves without close_notify: lengths are in the HTTP framing, nothing is lost.
    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return asio::error::eof;
    return {static_cast<int>(code), asio::error::get_ssl_category()};
}

asio::awaitable<error_code> TlsStream::wait() {
    const auto [error] = co_await socket_.async_wait(awaited_, kAsTuple);
    co_return error;
}

asio::awaitable<error_code> TlsStream::handshake() {
    for (;;) {
        ERR_clear_error();
        errno = 0;
        const error_code error = take_error(SSL_do_handshake(tls_.get()));
        if (error != asio::error::would_block) co_return error;
        if (const error_code stopped = co_await wait(); stopped) co_return stopped;
    }
}

std::size_t TlsStream::read_now(asio::mutable_buffer space, error_code& error) {
    ERR_clear_error();
    errno = 0;
    std::size_t count = 0;
    const int result = SSL_read_ex(tls_.get(), space.data(), space.size(), &count);
    error = take_error(result);
    return count;
}

asio::awaitable<IoResult> TlsStream::read(asio::mutable_buffer space) {
    for (;;) {
        IoResult result;
        result.count = read_now(space, result.error);
        if (result.error != asio::error::would_block) co_return result;
        if (const error_code stopped = co_await wait(); stopped) co_return IoResult{stopped, 0};
    }
}

std::size_t TlsStream::write_some(asio::const_buffer octets, error_code& error) {
    if (octets.size() == 0) return 0;
    ERR_clear_error();
    errno = 0;
    std::size_t count = 0;
    const int result = SSL_write_ex(tls_.get(), octets.data(), octets.size(), &count);
    error = take_error(result);
    return count;
}

/// What write() would put together first waits for it: a write that was begun has to go on with the
/// same octets.
std::size_t TlsStream::write_now(const Parts& parts, error_code& error) {
    if (parts[1].size() == 0) return write_some(parts[0], error);
    error = asio::error::would_block;
    return 0;
}

asio::awaitable<error_code> TlsStream::write(Parts parts) {
    std::string record;  // header and body in one, where it has room for both
    if (parts[1].size() > 0 && asio::buffer_size(parts) <= SSL3_RT_MAX_PLAIN_LENGTH) {
        record.reserve(asio::buffer_size(parts));
        for (const auto& part : parts)
            record.append(static_cast<const char*>(part.data()), part.size());
        parts = {asio::buffer(record), asio::const_buffer()};
    }
    error_code error;
    while (asio::buffer_size(parts) > 0) {
        const std::size_t count = write_some(parts[0].size() > 0 ? parts[0] : parts[1], error);
        advance(parts, count);
        if (error == asio::error::would_block) error = co_await wait();
        if (error) break;
    }
    OPENSSL_cleanse(record.data(), record.size());  // a challenge may be in it
    co_return error;
}

asio::awaitable<void> TlsStream::say_goodbye() {
    while (!broken_ && SSL_is_init_finished(tls_.get()) == 1) {
        ERR_clear_error();
        errno = 0;
        const int result = SSL_shutdown(tls_.get());
        if (result >= 0 || take_error(result) != asio::error::would_block) break;
        if (co_await wait()) break;
    }
}

Bytes TlsStream::peer_certificate() const {
    const X509* certificate = SSL_get0_peer_certificate(tls_.get());
    if (certificate == nullptr || SSL_get_verify_result(tls_.get()) != X509_V_OK) return {};
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    if (size <= 0) return {};
    Bytes octets(der, der + size);
    OPENSSL_free(der);
    return octets;
}

}  // namespace scepgate::server
