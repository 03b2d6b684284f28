// What several subcommands share: messages, files, names from options.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "certs/certificate.hpp"
#include "certs/general_name.hpp"
#include "certs/key_usage.hpp"
#include "certs/name.hpp"
#include "server/cli/files.hpp"
#include "server/config.hpp"

namespace scepgate::server {
class Log;
}

namespace scepgate::server::cli {

/// "scepgate: …" on standard error; returns `status` for the caller to hand on.
int complain(int status, std::string_view what);
/// kUsage for kConfig, else kFailed.
int complain(const Error& error);
/// Indented, on standard output; text that is no UTF-8 is mended.
void print_json(const nlohmann::ordered_json& json);
/// `status`, or kFailed with a message when what was printed did not arrive (a full disk).
int flush_output(int status);
/// Every fault on a line of its own; warnings say so.
void print_faults(const ConfigFaults& faults);
/// The exit status of a process that cannot start for them: kUsage, or kPinRefused.
int status_of_faults();
/// The same, to the log of a server that was told to reload.
void log_reload_faults(Log& log, const ConfigFaults& faults);

/// --config, which most commands need; `config` is a string or a path.
template <class Path>
void add_config_option(CLI::App& command, Path& config) {
    command.add_option("--config", config, "The server's configuration")
        ->required()
        ->type_name("FILE");
}

/// Loads a configuration; prints its faults and gives nothing when there is an error.
std::optional<Config> load_or_complain(const std::filesystem::path& file);

/// What an option must be; anything else is bad usage.
[[nodiscard]] CLI::Validator a_duration();        ///< "90s", "10m", …
[[nodiscard]] CLI::Validator a_web_url();         ///< http:// or https:// and a host
[[nodiscard]] CLI::Validator a_listen_address();  ///< "127.0.0.1:8080"
[[nodiscard]] CLI::Validator not_empty();         ///< no variable that is not set

/// --subject, --dns, --upn, --email, --uri, --ip and --key-usage, shared by challenge and enroll.
struct NameOptions {
    std::string subject;
    std::vector<std::string> dns, upn, email, uri, ip;
    std::string key_usage;

    enum class Subject { kRequired, kOptional };
    void add_to(CLI::App& command, Subject need = Subject::kRequired);
    /// Replaces "%d" in every name by `number`.
    [[nodiscard]] NameOptions numbered(std::size_t number) const;
    [[nodiscard]] Result<certs::Name> name() const;
    [[nodiscard]] Result<certs::GeneralNames> subject_alt_name() const;
    /// Empty without --key-usage.
    [[nodiscard]] std::optional<certs::KeyUsage> usage() const;
};

/// One PEM block.
[[nodiscard]] std::string pem_text(std::string_view label, ByteView der);
/// PEM of several certificates, one after the other.
[[nodiscard]] std::string pem_of(const std::vector<certs::Certificate>& certificates);

}  // namespace scepgate::server::cli
