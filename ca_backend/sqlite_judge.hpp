// Whether a file can be the store, without changing it.
#pragma once

#include <filesystem>

#include "certs/result.hpp"

namespace scepgate::ca_backend {

/// Finds what SqliteStore::open() for writing would refuse: kConfig says what is wrong (missing, a
/// folder, not writable, another database, empty, made by a newer version) and how to mend it. A
/// store of an older version is sound: opening it upgrades it. Works beside a server in another
/// process; never in a process that has the store open (see SqliteStore).
Result<void> judge_sqlite_store(const std::filesystem::path& file);

/// kConfig, naming the file.
[[nodiscard]] Error bad_sqlite_store(const std::filesystem::path& file, const std::string& fault);

}  // namespace scepgate::ca_backend
