// Adding to a configuration file that people write.
#pragma once

#include <filesystem>
#include <functional>

#include <nlohmann/json.hpp>

#include "certs/result.hpp"

namespace scepgate::server::cli {

/// A file's octets; kUnavailable when it cannot be read.
[[nodiscard]] Result<std::string> read_whole_file(const std::filesystem::path& file);

/// Changes the configuration in one step (temporary file and rename), with its mode and owner; the
/// old one stays as FILE.bak. Comments in front of the configuration are kept. False, and nothing
/// is changed, when there are others: they would be lost. kConfig: what came out would not be
/// sound.
Result<bool> edit_config(const std::filesystem::path& file,
                         const std::function<void(nlohmann::ordered_json&)>& change);

/// Puts {"cas": {NAME: …}, "endpoints": {INDEX: {KEY: …}}} into it.
Result<bool> add_to_config(const std::filesystem::path& file,
                           const nlohmann::ordered_json& additions);

}  // namespace scepgate::server::cli
