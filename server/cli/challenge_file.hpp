// A challenge as a file has it.
#pragma once

#include <filesystem>

#include "certs/secret.hpp"

namespace scepgate::server::cli {

/// The file's line, whatever empty ones stand around it; of a challenge blob that was folded (mail
/// programs and openssl do it) all lines as one. kConfig: it cannot be read, or has several lines
/// that are no blob.
[[nodiscard]] Result<Secret> read_challenge_file(const std::filesystem::path& file);

}  // namespace scepgate::server::cli
