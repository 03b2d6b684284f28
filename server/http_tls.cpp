#include "server/http_tls.hpp"

#include <boost/asio/write.hpp>

#include "certs/clock.hpp"
#include "certs/ossl.hpp"
#include "server/credentials.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

/// Forward secrecy only; CBC stays for devices that know nothing newer.
constexpr const char* kTls12Ciphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:!aNULL:!PSK:!SRP";

X509* decode(const certs::Certificate& certificate) {
    const ByteView der = certificate.der();
    const unsigned char* at = der.data();
    return d2i_X509(nullptr, &at, static_cast<long>(der.size()));
}

/// The certificate, its chain and key, found, judged and read like every other key.
Result<Credential> load_files(const KeyPairConfig& files) {
    ConfigFaults faults;
    auto credential = CredentialLoader(faults, certs::SystemClock().now()).credential(files);
    if (credential) return std::move(*credential);
    for (const ConfigFault& fault : faults.list()) {
        if (!fault.warning) return Error{Errc::kConfig, fault.what + "; " + fault.remedy};
    }
    return Error{Errc::kConfig, "neither 'file' nor 'env' names a key"};
}

Result<void> use(SSL_CTX* context, const Credential& credential) {
    if (!credential.key.is_here())
        return Error{Errc::kConfig, "TLS is not served with a token's key"};
    const certs::X509Ptr own(decode(credential.certificate));
    bool taken = own && SSL_CTX_use_certificate(context, own.get()) == 1;
    for (const auto& issuer : credential.more) {
        const certs::X509Ptr certificate(decode(issuer));
        taken = taken && certificate && SSL_CTX_add1_chain_cert(context, certificate.get()) == 1;
    }
    taken = taken && SSL_CTX_use_PrivateKey(context, credential.key.evp()) == 1;
    if (taken) return {};
    return Error{Errc::kConfig, certs::take_ossl_error("TLS certificate").detail};
}

/// Asks for a certificate and takes none, or one that is valid, for TLS clients, and of one of
/// these CAs (an issuing one alone is enough). Who it is, is the handler's to say.
Result<void> ask_clients(SSL_CTX* context, const std::filesystem::path& file) {
    ConfigFaults faults;
    const auto cas = CredentialLoader(faults, certs::SystemClock().now()).certificates(file, "");
    if (!cas) return Error{Errc::kConfig, faults.list().front().what};
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    bool taken = X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    for (const auto& ca : *cas) {
        const certs::X509Ptr certificate(decode(ca));
        taken = taken && certificate && X509_STORE_add_cert(store, certificate.get()) == 1 &&
                SSL_CTX_add_client_CA(context, certificate.get()) == 1;
    }
    if (!taken) return Error{Errc::kConfig, certs::take_ossl_error("client CA").detail};
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    // A session that goes on elsewhere would bring its certificate along, unverified.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if (SSL_CTX_set_num_tickets(context, 0) == 1) return {};
    return Error{Errc::kInternal, "OpenSSL does not do without session tickets"};
}

Result<std::shared_ptr<ssl::context>> load_context(
    const KeyPairConfig& files, const std::optional<std::filesystem::path>& client_ca) {
    const auto credential = load_files(files);
    if (!credential) return credential.error();
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

    if (const auto used = use(native, *credential); !used) return used.error();
    if (client_ca) {
        if (const auto asked = ask_clients(native, *client_ca); !asked) return asked.error();
    }
    return context;
}

}  // namespace

Result<std::unique_ptr<TlsCredentials>> TlsCredentials::load(
    const KeyPairConfig& files, const std::optional<std::filesystem::path>& client_ca) {
    std::unique_ptr<TlsCredentials> credentials(new TlsCredentials(files, client_ca));
    if (const auto loaded = credentials->reload(); !loaded) return loaded.error();
    return credentials;
}

Result<void> TlsCredentials::reload() {
    auto context = load_context(files_, client_ca_);
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

Bytes TlsStream::peer_certificate() const {
    SSL* native = stream_.native_handle();
    const X509* certificate = SSL_get0_peer_certificate(native);
    if (certificate == nullptr || SSL_get_verify_result(native) != X509_V_OK) return {};
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    if (size <= 0) return {};
    Bytes octets(der, der + size);
    OPENSSL_free(der);
    return octets;
}

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
