#include "server/http_tls.hpp"

#include <boost/asio/write.hpp>

namespace scepgate::server {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

/// Forward secrecy only; CBC stays for devices that know nothing newer.
constexpr const char* kTls12Ciphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:!aNULL:!PSK:!SRP";

Error tls_error(const std::string& what, const error_code& error, std::string_view remedy) {
    return {Errc::kConfig, what + ": " + error.message() + ": " + std::string(remedy)};
}

Result<std::shared_ptr<ssl::context>> load_context(const TlsSettings& settings) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* native = context->native_handle();
    if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(native, kTls12Ciphers) != 1) {
        return Error{Errc::kInternal, "OpenSSL takes neither TLS 1.2 nor its ciphers"};
    }
    SSL_CTX_set_options(
        native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Idle connections then keep no 32 KiB of buffers.
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(native, SSL_VERIFY_NONE, nullptr);

    error_code error;
    context->use_certificate_chain_file(settings.certificate_file, error);
    if (error) {
        return tls_error(settings.certificate_file, error,
                         "it must be a readable PEM file, the server's certificate first");
    }
    // Without this OpenSSL would ask for a password on the terminal.
    context->set_password_callback(
        [](std::size_t, ssl::context::password_purpose) { return std::string(); }, error);
    context->use_private_key_file(settings.key_file, ssl::context::pem, error);
    if (error) {
        return tls_error(settings.key_file, error,
                         "it must be a readable PEM file with the key of " +
                             settings.certificate_file + ", without a password");
    }
    return context;
}

}  // namespace

Result<std::unique_ptr<TlsCredentials>> TlsCredentials::load(const TlsSettings& settings) {
    std::unique_ptr<TlsCredentials> credentials(new TlsCredentials(settings));
    if (const auto loaded = credentials->reload(); !loaded) return loaded.error();
    return credentials;
}

Result<void> TlsCredentials::reload() {
    auto context = load_context(settings_);
    if (!context) return context.error();
    const std::lock_guard lock(mutex_);
    context_ = std::move(*context);
    return {};
}

std::shared_ptr<ssl::context> TlsCredentials::context() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

TlsStream::TlsStream(Socket socket, std::shared_ptr<ssl::context> context)
    : context_(std::move(context)), stream_(std::move(socket), *context_) {}

asio::awaitable<error_code> TlsStream::handshake() {
    const auto [error] = co_await stream_.async_handshake(ssl::stream_base::server, kAsTuple);
    co_return error;
}

// asio's TLS stream cannot be used without waiting: what a socket that is not ready did not take
// would be lost.
std::size_t TlsStream::read_now(asio::mutable_buffer, error_code& error) {
    error = asio::error::would_block;
    return 0;
}

std::size_t TlsStream::write_now(const Parts&, error_code& error) {
    error = asio::error::would_block;
    return 0;
}

asio::awaitable<IoResult> TlsStream::read(asio::mutable_buffer space) {
    const auto [error, count] = co_await stream_.async_read_some(space, kAsTuple);
    // A peer that leaves without close_notify: lengths are in the HTTP framing, nothing is lost.
    if (error == ssl::error::stream_truncated) co_return IoResult{asio::error::eof, count};
    co_return IoResult{error, count};
}

asio::awaitable<error_code> TlsStream::write(Parts parts) {
    const auto [error, count] = co_await asio::async_write(stream_, parts, kAsTuple);
    co_return error;
}

asio::awaitable<void> TlsStream::say_goodbye() {
    co_await stream_.async_shutdown(kAsTuple);
}

}  // namespace scepgate::server
