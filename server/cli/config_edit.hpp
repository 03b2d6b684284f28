// Adding to a configuration file that people write.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "certs/result.hpp"
#include "server/cli/files.hpp"

namespace scepgate::server::cli {

/// As the configuration names a file: relative to its folder where it lies in there.
[[nodiscard]] std::string name_in_config(const std::filesystem::path& file,
                                         const std::filesystem::path& folder);

/// While it lives, no other command changes the configuration: to be held from before it is read
/// until it is changed.
class ConfigLock {
public:
    /// Making a key of 8192 bits, or one in a token, takes some seconds.
    static constexpr std::chrono::seconds kPatience{30};

    /// Waits while another has it. kConfig: there is no such file. kUnavailable: another has had it
    /// for all of `patience` (the error names it), or there is no lock on the file's folder.
    [[nodiscard]] static Result<ConfigLock> take(const std::filesystem::path& file,
                                                 std::chrono::milliseconds patience = kPatience);

    ConfigLock(ConfigLock&& other) noexcept
        : file_(std::move(other.file_)),
          text_(std::move(other.text_)),
          folder_(std::exchange(other.folder_, -1)) {}
    ConfigLock& operator=(ConfigLock&&) = delete;
    ~ConfigLock();

    /// The configuration itself, where a link was named.
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

    /// What the file held when the lock was taken, or after edit_config(): people take no locks.
    [[nodiscard]] const std::string& text() const noexcept { return *text_; }
    void note(std::string text) const { *text_ = std::move(text); }

private:
    ConfigLock(std::filesystem::path file, int folder) : file_(std::move(file)), folder_(folder) {}

    std::filesystem::path file_;
    std::unique_ptr<std::string> text_ = std::make_unique<std::string>();
    int folder_;  ///< its descriptor, locked; the file's own would be another after each change
};

/// Changes the configuration in one step (temporary file and rename), with its mode and owner; the
/// old one stays as FILE.bak. Comments in front of the configuration are kept. False, and nothing
/// is changed, when there are others: they would be lost. kConfig: what came out would not be
/// sound, or somebody has changed the file since the lock was taken. What `change` refuses with is
/// handed on.
Result<bool> edit_config(const ConfigLock& lock,
                         const std::function<Result<void>(nlohmann::ordered_json&)>& change);

/// Whether edit_config() would have comments to lose.
[[nodiscard]] bool has_inner_comments(const ConfigLock& lock);

/// Puts {"cas": {NAME: …}, "endpoints": {INDEX: {KEY: …}}} into it.
Result<bool> add_to_config(const ConfigLock& lock, const nlohmann::ordered_json& additions);

}  // namespace scepgate::server::cli
