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

/// The key in `file`; made by `spec` and written there when the file does not exist. kConfig when
/// --key asks (`asked`) for another kind than the file holds.
Result<certs::PrivateKey> load_or_make_key(const std::filesystem::path& file,
                                           const std::string& spec, bool asked);

/// Why a reply to a request signed by this key could never be read, or nothing.
Result<void> check_signer_key(const certs::PrivateKey& key, bool challenge_given);

/// Sends the request in `state` (or, once it is pending, asks after it) until the answer is SUCCESS
/// or FAILURE. `state_file` is kept up to date. kUnavailable when it is still pending after
/// --poll-limit questions: the same command goes on later.
Result<scep::CertReply> obtain(ScepSession& session, RequestState state,
                               const std::filesystem::path& state_file,
                               const certs::PrivateKey& signer_key, const certs::PublicKey& csr_key,
                               const PollOptions& poll);

/// ca.pem (the last of the chain), chain.pem and, as the last, the certificate.
Result<void> write_certificates(const std::filesystem::path& folder, const std::string& name,
                                const scep::CaCertificates& ca,
                                const certs::Certificate& certificate);
void print_certificate(const certs::Certificate& certificate, const std::filesystem::path& file,
                       bool json);

}  // namespace scepgate::server::cli
