// What enroll and renew share: the key, the request that is kept until its answer is there,
// polling, and the files of a finished enrolment.
#pragma once

#include <filesystem>

#include "certs/csr.hpp"
#include "server/cli/request_state.hpp"
#include "server/cli/scep_session.hpp"

namespace scepgate::server::cli {

/// --challenge and --challenge-file.
struct ChallengeOptions {
    std::string text, file;

    void add_to(CLI::App& command);
    [[nodiscard]] bool given() const noexcept { return !text.empty() || !file.empty(); }
    /// Empty when none is given.
    [[nodiscard]] Result<Secret> read() const;
};

/// --poll and --poll-limit.
struct PollOptions {
    std::string interval = "5s";
    int limit = 60;

    void add_to(CLI::App& command);
};

/// The options that enroll and renew share.
struct EnrolmentOptions {
    ConnectionOptions connection;
    ChallengeOptions challenge;
    PollOptions poll;
    std::string key = "rsa:2048";
    bool key_asked = false;
    bool json = false;

    /// All but --key, whose meaning differs.
    void add_to(CLI::App& command);
};

/// The key in `file`; made by `spec` and written there when the file does not exist. kConfig when
/// --key asks (`asked`) for another kind than the file holds.
Result<certs::PrivateKey> load_or_make_key(const std::filesystem::path& file,
                                           const std::string& spec, bool asked);

/// Why a reply to a request signed by this key could never be read, or nothing.
Result<void> check_signer_key(const certs::PrivateKey& key, bool challenge_given);

/// A new request for what `contents` says, and the challenge, if there is one. Signed by `signer`
/// when it is sent: the certificate to renew, or else (none) a transient one.
Result<RequestState> make_request(const EnrolmentOptions& options, scep::MessageType type,
                                  certs::CsrContents contents, const certs::PrivateKey& key,
                                  std::optional<certs::Certificate> signer);

/// Where the files of an enrolment go.
struct EnrolmentFiles {
    std::filesystem::path folder;
    std::string certificate = "cert.pem";
    [[nodiscard]] std::filesystem::path state() const { return folder / "request.json"; }
};

/// Sends the request (or, once it is pending, asks after it) until the answer is there, and keeps
/// it until then. Writes the certificate, after ca.pem (the last of the chain) and chain.pem.
/// kDenied: the server refuses, and the request is not kept. kUnavailable when it is still pending
/// after
/// --poll-limit questions: the same command goes on later.
Result<certs::Certificate> obtain(ScepSession& session, RequestState state,
                                  const certs::PrivateKey& signer_key,
                                  const certs::PublicKey& csr_key, const PollOptions& poll,
                                  const EnrolmentFiles& files);
void print_certificate(const certs::Certificate& certificate, const std::filesystem::path& file,
                       bool json);

}  // namespace scepgate::server::cli
