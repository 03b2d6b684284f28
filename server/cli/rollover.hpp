// Preparing a CA rollover: the next CA's keys, the RA certificates that go with it, and what the
// configuration says of them.
#pragma once

#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"
#include "server/cli/config_edit.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

struct RolloverSettings {
    std::filesystem::path config;
    std::string ca;                        ///< its name in the configuration
    std::string from;                      ///< as it will stand there
    std::optional<certs::KeySpec> ca_key;  ///< absent: like the present CA's
    std::string ca_name;                   ///< common name; "": the present one's, counted on
};

struct Rollover {
    std::string next_ca;  ///< its name in the configuration
    std::filesystem::path folder;
    certs::Certificate certificate;
    /// {"cas": {NAME: …}, "endpoints": {"0": {"next": …}, …}}, by index
    nlohmann::ordered_json additions;
    bool added = false;  ///< to the configuration; else it has comments, and was left alone
    std::vector<std::string> notes;
};

/// Makes a folder beside the configuration with all of it, whole or not at all, and adds it to the
/// configuration in one step, keeping the old one as FILE.bak. What an attempt made that was broken
/// off is used. kDenied: `next` stands already, no endpoint uses the CA, it is not a self-signed
/// root, or `from` is over.
Result<Rollover> make_rollover(const RolloverSettings& settings, const Config& config,
                               const ConfigLock& lock, std::int64_t now);

}  // namespace scepgate::server::cli
