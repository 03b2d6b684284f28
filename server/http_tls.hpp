// TLS for a listener that serves it directly.
#pragma once

#include <memory>
#include <mutex>

#include <openssl/ssl.h>

#include "certs/result.hpp"
#include "server/http_settings.hpp"

namespace scepgate::server {

/// The certificate and key of a listener, which can be read anew while connections go on. TLS 1.2
/// and up; the client is asked for a certificate only where there is a client CA, and cannot
/// renegotiate.
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
    [[nodiscard]] std::shared_ptr<SSL_CTX> context() const;

private:
    TlsCredentials(KeyPairConfig files, std::optional<std::filesystem::path> client_ca)
        : files_(std::move(files)), client_ca_(std::move(client_ca)) {}

    KeyPairConfig files_;
    std::optional<std::filesystem::path> client_ca_;
    mutable std::mutex mutex_;
    std::shared_ptr<SSL_CTX> context_;
};

}  // namespace scepgate::server
