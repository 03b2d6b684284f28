// What every client command shares: who the server is and what it can, and how a message gets
// there.
#pragma once

#include "server/cli/connection.hpp"

namespace scepgate::server::cli {

/// A server that was asked who it is. Not movable: the connection points to the trace.
class ScepSession {
public:
    /// GetCACert, verified; with --ca-fingerprint or --ca-file one of the CA certificates must be
    /// one of those, else kDenied. Without, and without TLS, a warning names the CA that was taken.
    static Result<std::unique_ptr<ScepSession>> open(const ConnectionOptions& options,
                                                     std::int64_t now);
    /// GetCACaps. What the server lacks is told on standard error with what is done instead. A
    /// server that hangs up, answers with an error, or with something else, has no capabilities
    /// (RFC 8894 section 3.5.2): it gets 3DES, SHA-1 and GET. kDenied: --require-scepstandard.
    Result<void> negotiate();

    [[nodiscard]] const scep::CaCertificates& ca() const noexcept { return ca_; }
    [[nodiscard]] const scep::ServerCapabilities& capabilities() const noexcept { return caps_; }
    [[nodiscard]] Trace& trace() noexcept { return trace_; }
    /// For people: without credentials.
    [[nodiscard]] std::string url() const { return without_credentials(options_.url); }

    /// The CA of this certificate: of those that GetCACert answered and those in --ca-file.
    [[nodiscard]] Result<certs::Certificate> issuer_of(const certs::Certificate& certificate) const;

    /// A request with the server's recipient and algorithms; type, content and transactionID are
    /// the caller's.
    [[nodiscard]] scep::ClientRequest request_by(certs::Certificate signer,
                                                 certs::PrivateKey key) const;
    /// Gives the request a nonce and a time and sends it; the body of the answer.
    Result<Bytes> send(scep::ClientRequest& request, std::int64_t now);
    /// GetNextCACert's body.
    Result<Bytes> next_ca();

    ScepSession(const ScepSession&) = delete;
    ScepSession& operator=(const ScepSession&) = delete;

private:
    ScepSession(const ConnectionOptions& options, Trace trace)
        : options_(options), trace_(std::move(trace)), web_(options.url, options.web, &trace_) {}
    Result<void> fetch_ca(std::int64_t now);
    Result<void> ask_capabilities();
    Result<Bytes> body_of(Result<WebReply> reply, const std::string& operation) const;

    ConnectionOptions options_;
    Trace trace_;
    WebClient web_;
    bool post_ = false;
    scep::ServerCapabilities caps_;
    scep::CaCertificates ca_;
};

}  // namespace scepgate::server::cli
