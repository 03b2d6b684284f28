// The subcommands of the program. Each add_…() declares one with its options and help; the command
// runs as a callback and leaves its exit status in `status`.
#pragma once

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

/// What users' scripts test for.
enum ExitStatus : int {
    kSuccess = 0,
    kFailed = 1,  ///< refused, or could not be done
    kUsage = 2,   ///< bad command line or configuration
    /// A token does not take its PIN: a service manager must not try again, or the token locks.
    kPinRefused = 3,
};

void add_init(CLI::App& app, int& status);
void add_serve(CLI::App& app, int& status);
void add_signer(CLI::App& app, int& status);
void add_config(CLI::App& app, int& status);
void add_challenge(CLI::App& app, int& status);
void add_policy(CLI::App& app, int& status);
void add_enroll(CLI::App& app, int& status);
void add_renew(CLI::App& app, int& status);
void add_getca(CLI::App& app, int& status);
void add_getnextca(CLI::App& app, int& status);
void add_getcert(CLI::App& app, int& status);
void add_getcrl(CLI::App& app, int& status);
void add_cert(CLI::App& app, int& status);
void add_pending(CLI::App& app, int& status);
void add_notify(CLI::App& app, int& status);
void add_ca(CLI::App& app, int& status);
void add_audit(CLI::App& app, int& status);
void add_store(CLI::App& app, int& status);
void add_doctor(CLI::App& app, int& status);
void add_decode(CLI::App& app, int& status);

}  // namespace scepgate::server::cli
