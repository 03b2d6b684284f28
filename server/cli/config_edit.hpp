// Adding to a configuration file that people write.
#pragma once

#include <filesystem>
#include <functional>
#include <utility>

#include <nlohmann/json.hpp>

#include "certs/result.hpp"

namespace scepgate::server::cli {

/// A file's octets; kUnavailable when it cannot be read.
[[nodiscard]] Result<std::string> read_whole_file(const std::filesystem::path& file);

/// While it lives, no other command changes the configuration: to be held from before it is read
/// until it is changed.
class ConfigLock {
public:
    /// Waits while another has it. kUnavailable: there is no such file, or no lock on its folder.
    [[nodiscard]] static Result<ConfigLock> take(const std::filesystem::path& file);

    ConfigLock(ConfigLock&& other) noexcept
        : file_(std::move(other.file_)), folder_(std::exchange(other.folder_, -1)) {}
    ConfigLock& operator=(ConfigLock&&) = delete;
    ~ConfigLock();

    /// The configuration itself, where a link was named.
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

private:
    ConfigLock(std::filesystem::path file, int folder) : file_(std::move(file)), folder_(folder) {}

    std::filesystem::path file_;
    int folder_;  ///< its descriptor, locked; the file's own would be another after each change
};

/// Changes the configuration in one step (temporary file and rename), with its mode and owner; the
/// old one stays as FILE.bak. Comments in front of the configuration are kept. False, and nothing
/// is changed, when there are others: they would be lost. kConfig: what came out would not be
/// sound. What `change` refuses with is handed on.
Result<bool> edit_config(const ConfigLock& lock,
                         const std::function<Result<void>(nlohmann::ordered_json&)>& change);

/// Puts {"cas": {NAME: …}, "endpoints": {INDEX: {KEY: …}}} into it.
Result<bool> add_to_config(const ConfigLock& lock, const nlohmann::ordered_json& additions);

}  // namespace scepgate::server::cli
