// Commands that an administrator copies from our output into a shell (attacks.md M04: what a name
// holds must stay a name).
#pragma once

#include <filesystem>
#include <string>

namespace scepgate::server {

/// `text` as one word of a POSIX shell, in single quotes where it needs them.
[[nodiscard]] std::string shell_word(const std::string& text);

/// The same of a path; "./" keeps one that begins with '-' from being an option.
[[nodiscard]] std::string shell_path(const std::filesystem::path& path);

}  // namespace scepgate::server
