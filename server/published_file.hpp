// Files for web servers, written so that nobody ever reads half of one.
#pragma once

#include <filesystem>

#include "certs/bytes.hpp"
#include "certs/result.hpp"

namespace scepgate::server {

/// Replaces `file` by these octets, readable by all (0644): a temporary file beside it, on disk
/// before it takes the name; when this returns the name is on disk, too. kUnavailable: the folder
/// is missing, full or not ours to write; the file is as it was.
Result<void> publish_file(const std::filesystem::path& file, ByteView content);

}  // namespace scepgate::server
