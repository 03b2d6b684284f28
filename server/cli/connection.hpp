// The options of every client command that lead to a server: where it is, how its CA is known, what
// it can.
#pragma once

#include <CLI/CLI.hpp>

#include "scep/client.hpp"
#include "server/cli/web_client.hpp"

namespace scepgate::server::cli {

/// A sound URL; without a path it gets that of RFC 8894 section 4.1.
[[nodiscard]] CLI::Validator a_scep_url();

struct ConnectionOptions {
    std::string url, fingerprint, trace;
    std::vector<std::string> ca_files;
    std::string method = "auto";
    std::optional<std::string> assumed;  ///< --assume-caps: GetCACaps is not asked
    bool require_standard = false;
    WebSettings web;

    /// --url, --ca-fingerprint, --ca-file, --tls-ca, --trace.
    void add_to(CLI::App& command);
    /// --method, --assume-caps and --require-scepstandard, for commands that send messages.
    void add_messages_to(CLI::App& command);

    /// The SHA-256 fingerprints of which one of the server's CA certificates must have one; none:
    /// whatever CA answers is taken. kConfig when --ca-file cannot be read.
    [[nodiscard]] Result<std::vector<std::string>> trusted_fingerprints() const;
    /// Those in --ca-file.
    [[nodiscard]] Result<std::vector<certs::Certificate>> known_certificates() const;
    /// Nobody vouches for what GetCACert answers, not even TLS, and it comes from another machine.
    [[nodiscard]] bool blind() const;
};

/// DIR/cert.pem and DIR/key.pem of an earlier enrolment.
struct Identity {
    certs::Certificate certificate;
    certs::PrivateKey key;
};
/// kConfig when one is missing or they do not belong together.
Result<Identity> load_identity(const std::string& directory);
/// An enrolled client trusts the CA that it knows, and the next one that this one vouched for:
/// DIR/ca.pem and DIR/next-ca.pem, if they are there and the options name none.
void trust_known_ca(ConnectionOptions& options, const std::string& directory);

}  // namespace scepgate::server::cli
