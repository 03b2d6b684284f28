// TLS for a listener that serves it directly.
#pragma once

#include <memory>
#include <mutex>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "certs/result.hpp"
#include "server/http_settings.hpp"
#include "server/http_stream.hpp"

namespace scepgate::server {

/// The certificate and key of a listener, which can be read anew while connections go on.
class TlsCredentials {
public:
    /// kConfig: a file that cannot be read, a key that is not the certificate's or that everybody
    /// may read, a certificate that is not valid now.
    /// With a `client_ca` (PEM), clients are asked for a certificate of one of these CAs.
    static Result<std::unique_ptr<TlsCredentials>> load(
        const KeyPairConfig& files,
        const std::optional<std::filesystem::path>& client_ca = std::nullopt);

    /// On an error what was loaded before stays.
    Result<void> reload();
    [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> context() const;

private:
    TlsCredentials(KeyPairConfig files, std::optional<std::filesystem::path> client_ca)
        : files_(std::move(files)), client_ca_(std::move(client_ca)) {}

    KeyPairConfig files_;
    std::optional<std::filesystem::path> client_ca_;
    mutable std::mutex mutex_;
    std::shared_ptr<boost::asio::ssl::context> context_;
};

/// TLS 1.2 and up; the client is asked for a certificate only where there is a client CA, and
/// cannot renegotiate.
class TlsStream final : public HttpStream {
public:
    TlsStream(Socket socket, std::shared_ptr<boost::asio::ssl::context> context);

    boost::asio::awaitable<boost::system::error_code> handshake() override;
    std::size_t read_now(boost::asio::mutable_buffer space,
                         boost::system::error_code& error) override;
    boost::asio::awaitable<IoResult> read(boost::asio::mutable_buffer space) override;
    std::size_t write_now(const Parts& parts, boost::system::error_code& error) override;
    boost::asio::awaitable<boost::system::error_code> write(Parts parts) override;
    boost::asio::awaitable<void> say_goodbye() override;
    [[nodiscard]] Bytes peer_certificate() const override;
    Socket& socket() noexcept override { return stream_.next_layer(); }

private:
    std::shared_ptr<boost::asio::ssl::context> context_;
    mutable boost::asio::ssl::stream<Socket> stream_;  ///< native_handle() is not const
};

}  // namespace scepgate::server
