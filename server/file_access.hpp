// What to do where this process may not read or write a file: who it is, and a command for root.
#pragma once

#include <filesystem>
#include <string>

namespace scepgate::server {

/// "user 'scepgate'": whose rights this process has.
[[nodiscard]] std::string this_user();

/// "as root, run: chgrp … && chmod g+r …", or the same for the first folder on the way to the file
/// that is closed to this user.
[[nodiscard]] std::string how_to_let_read(const std::filesystem::path& file);

/// "as root, run: chown …"
[[nodiscard]] std::string how_to_let_write(const std::filesystem::path& path);

}  // namespace scepgate::server
