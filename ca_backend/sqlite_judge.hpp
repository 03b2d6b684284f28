// Whether a file can be the store, without changing it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "certs/certificate.hpp"

namespace scepgate::ca_backend {

/// Finds what SqliteStore::open() for writing would refuse: kConfig says what is wrong (missing, a
/// folder, not writable, another database, empty, made by a newer version) and how to mend it. A
/// store of an older version is sound: opening it upgrades it. Works beside a server in another
/// process; never in a process that has the store open (see SqliteStore).
Result<void> judge_sqlite_store(const std::filesystem::path& file);

/// SqlStore::judge_clock(), leaving no trace in the folder. A store that is still to be upgraded is
/// judged when it was. Not in a process that has the store open either.
Result<void> judge_sqlite_clock(const std::filesystem::path& file, std::int64_t now);

/// Store::certificates_of_issuers(), in the same way. None of a store that is still to be upgraded.
Result<std::vector<certs::Certificate>> sqlite_certificates_of_issuers(
    const std::filesystem::path& file, const std::vector<std::string>& cas);

/// kConfig, naming the file.
[[nodiscard]] Error bad_sqlite_store(const std::filesystem::path& file, const std::string& fault);

}  // namespace scepgate::ca_backend
