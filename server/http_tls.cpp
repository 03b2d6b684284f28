#include "server/http_tls.hpp"

#include <csignal>

#include <openssl/err.h>

#include "certs/clock.hpp"
#include "certs/ossl.hpp"
#include "server/credentials.hpp"

namespace scepgate::server {

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

Result<std::shared_ptr<SSL_CTX>> load_context(
    const KeyPairConfig& files, const std::optional<std::filesystem::path>& client_ca) {
    const auto credential = load_files(files);
    if (!credential) return credential.error();
    const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    SSL_CTX* native = context.get();
    if (native == nullptr || SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(native, kTls12Ciphers) != 1) {
        return Error{Errc::kInternal, "OpenSSL takes neither TLS 1.2 nor its ciphers"};
    }
    SSL_CTX_set_options(
        native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Idle connections then keep no 32 KiB of buffers, and a write goes on from where it is now.
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(native, SSL_VERIFY_NONE, nullptr);

    if (const auto used = use(native, *credential); !used) return used.error();
    if (client_ca) {
        if (const auto asked = ask_clients(native, *client_ca); !asked) return asked.error();
    }
    return context;
}

/// OpenSSL writes to sockets with write(2): a peer that has left would end the process.
void ignore_broken_pipes() {
    struct sigaction now {};
    if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
        std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

Result<std::unique_ptr<TlsCredentials>> TlsCredentials::load(
    const KeyPairConfig& files, const std::optional<std::filesystem::path>& client_ca) {
    ignore_broken_pipes();
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

std::shared_ptr<SSL_CTX> TlsCredentials::context() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

}  // namespace scepgate::server
