// Files that root makes for the user whom the server runs as.
#pragma once

#include <filesystem>
#include <sys/types.h>

namespace scepgate::server {

/// Makes `file` (empty, 0600) that user's and group's, unless there is one of this name. Under its
/// name nobody sees it as root's, not for a moment: the server may be about to open it.
///
/// For root. What fails shows when the file is opened.
void create_for(const std::filesystem::path& file, uid_t user, gid_t group) noexcept;

}  // namespace scepgate::server
