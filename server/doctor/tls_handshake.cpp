#include "server/doctor/tls_handshake.hpp"

#include <poll.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "certs/ossl.hpp"
#include "server/http_address.hpp"

namespace scepgate::server::doctor {
namespace {

using Clock = std::chrono::steady_clock;
using SslContext = std::unique_ptr<SSL_CTX, certs::Deleter<SSL_CTX_free>>;
using SslConnection = std::unique_ptr<SSL, certs::Deleter<SSL_free>>;

/// The server asks: none is given, as a device has none.
int note_request(SSL* ssl, X509**, EVP_PKEY**) {
    *static_cast<bool*>(SSL_get_app_data(ssl)) = true;
    return 0;
}

std::vector<certs::Certificate> read_stack(STACK_OF(X509) * stack) {
    std::vector<certs::Certificate> certificates;
    for (int at = 0; stack != nullptr && at < sk_X509_num(stack); ++at) {
        unsigned char* der = nullptr;
        const int octets = i2d_X509(sk_X509_value(stack, at), &der);
        if (octets <= 0) continue;
        auto certificate = certs::Certificate::from_der({der, static_cast<std::size_t>(octets)});
        OPENSSL_free(der);
        if (certificate) certificates.push_back(std::move(*certificate));
    }
    return certificates;
}

/// The socket does not block: SSL_connect until it is done or the time is over.
bool shake_hands(SSL* ssl, int socket, std::chrono::milliseconds timeout, std::string& why) {
    const auto end = Clock::now() + timeout;
    for (;;) {
        const int result = SSL_connect(ssl);
        if (result == 1) return true;
        const int error = SSL_get_error(ssl, result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            why = error == SSL_ERROR_SSL ? certs::take_ossl_error("TLS").detail
                                         : "the connection was cut in the handshake";
            return false;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        pollfd waiting{socket, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT),
                       0};
        if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
            why = "no answer to the TLS handshake in time";
            return false;
        }
    }
}

bool fits(X509* certificate, const std::string& host) {
    if (certificate == nullptr) return false;
    return parse_address(host)
               ? X509_check_ip_asc(certificate, host.c_str(), 0) == 1
               : X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace

Result<TlsView> look_at_tls(int socket, const TlsWanted& wanted) {
    const SslContext context(SSL_CTX_new(TLS_client_method()));
    if (!context) return certs::take_ossl_error("TLS");
    if (wanted.ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(context.get());
    } else if (SSL_CTX_load_verify_file(context.get(), wanted.ca_file.c_str()) != 1) {
        return Error{Errc::kConfig, certs::take_ossl_error("--ca " + wanted.ca_file).detail};
    }
    SSL_CTX_set_client_cert_cb(context.get(), &note_request);
    if (wanted.only_tls_1_2) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    const SslConnection ssl(SSL_new(context.get()));
    if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) return certs::take_ossl_error("TLS");
    TlsView view;
    SSL_set_app_data(ssl.get(), &view.asked_for_certificate);
    if (!parse_address(wanted.host)) SSL_set_tlsext_host_name(ssl.get(), wanted.host.c_str());

    view.done = shake_hands(ssl.get(), socket, wanted.timeout, view.text);
    if (view.done) view.text = SSL_get_version(ssl.get());
    view.sent = read_stack(SSL_get_peer_cert_chain(ssl.get()));
    view.verify_error = SSL_get_verify_result(ssl.get());
    view.verify_text = X509_verify_cert_error_string(view.verify_error);
    if (view.verify_error == X509_V_OK)
        view.verified = read_stack(SSL_get0_verified_chain(ssl.get()));
    view.name_fits = fits(SSL_get0_peer_certificate(ssl.get()), wanted.host);
    return view;
}

}  // namespace scepgate::server::doctor
