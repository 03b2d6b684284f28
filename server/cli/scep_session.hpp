// What every client command shares: the options that lead to a server, who the server is and what
// it can, and how a message gets there.
#pragma once

#include <CLI/CLI.hpp>

#include "scep/client.hpp"
#include "server/cli/web_client.hpp"

namespace scepgate::server::cli {

struct ConnectionOptions {
    std::string url, fingerprint, trace;
    std::string method = "auto";
    WebSettings web;

    /// --url, --ca-fingerprint, --tls-ca, --trace.
    void add_to(CLI::App& command);
    /// --method, for commands that send messages.
    void add_method_to(CLI::App& command);
};

/// A server that was asked who it is. Not movable: the connection points to the trace.
class ScepSession {
public:
    /// GetCACert, verified; with --ca-fingerprint one of the CA certificates must have it, else
    /// kDenied.
    static Result<std::unique_ptr<ScepSession>> open(const ConnectionOptions& options,
                                                     std::int64_t now);
    /// GetCACaps. What the server lacks is told on standard error with what is done instead, and
    /// that its CA is unknown, if it is. A server that does not answer it has no capabilities
    /// (RFC 8894 section 3.5.2).
    Result<void> negotiate();

    [[nodiscard]] const scep::CaCertificates& ca() const noexcept { return ca_; }
    [[nodiscard]] const scep::ServerCapabilities& capabilities() const noexcept { return caps_; }
    [[nodiscard]] Trace& trace() noexcept { return trace_; }
    [[nodiscard]] const std::string& url() const noexcept { return web_.url(); }

    /// A request with the server's recipient and algorithms; type, content and transactionID are
    /// the caller's.
    [[nodiscard]] scep::ClientRequest request_by(certs::Certificate signer,
                                                 certs::PrivateKey key) const;
    /// Gives the request a nonce and a time and sends it; the body of the answer.
    Result<Bytes> send(scep::ClientRequest& request, std::int64_t now);
    /// GetNextCACert's body. That the CA which vouches for it is unknown is told.
    Result<Bytes> next_ca();

    ScepSession(const ScepSession&) = delete;
    ScepSession& operator=(const ScepSession&) = delete;

private:
    ScepSession(const ConnectionOptions& options, Trace trace)
        : trace_(std::move(trace)),
          web_(options.url, options.web, &trace_),
          method_(options.method) {}
    Result<void> fetch_ca(std::string_view fingerprint, std::int64_t now);
    void note_unknown_ca() const;
    Result<Bytes> body_of(Result<WebReply> reply, const std::string& operation) const;

    Trace trace_;
    WebClient web_;
    std::string method_;
    bool post_ = false;
    bool pinned_ = false;  ///< the CA is the one that the user named
    scep::ServerCapabilities caps_;
    scep::CaCertificates ca_;
};

/// A FAILURE for an administrator: what the failInfo means and where to look.
[[nodiscard]] std::string explain_failure(const scep::ReplyStatus& status);

/// DIR/cert.pem and DIR/key.pem of an earlier enrolment.
struct Identity {
    certs::Certificate certificate;
    certs::PrivateKey key;
};
/// kConfig when one is missing or they do not belong together.
Result<Identity> load_identity(const std::string& directory);
/// --ca-fingerprint, or else the fingerprint of DIR/ca.pem if that is there: an enrolled client
/// trusts the CA that it knows. kConfig when the file is there and holds no certificate.
Result<void> trust_known_ca(ConnectionOptions& options, const std::string& directory);

}  // namespace scepgate::server::cli
