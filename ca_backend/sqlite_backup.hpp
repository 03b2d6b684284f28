// A copy of an SQLite store that is being written to.
#pragma once

#include <filesystem>

#include "certs/result.hpp"

namespace scepgate::ca_backend {

/// Copies the store `file` to `out` as it is at one moment, beside a running server, which goes on
/// writing. The copy is on the disk, and only its owner can read it (0600), when this returns. It
/// is made as `out`.part first: `out` is whole or not there.
///
/// kDenied: `out` exists. kConfig: `file` is no store. kUnavailable: the disk.
Result<void> backup_sqlite_store(const std::filesystem::path& file,
                                 const std::filesystem::path& out);

}  // namespace scepgate::ca_backend
