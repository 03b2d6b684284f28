#include "ca_backend/sqlite_judge.hpp"

#include <fcntl.h>
#include <optional>
#include <system_error>
#include <unistd.h>

#include "ca_backend/sql_clock.hpp"
#include "ca_backend/sql_issuers.hpp"
#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_schema.hpp"

namespace scepgate::ca_backend {
namespace {

namespace fs = std::filesystem;

bool writable(const fs::path& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

/// Empty: it is still to be upgraded.
Result<std::optional<sqlite::Database>> open_current(const fs::path& file) {
    auto database = sqlite::Database::open(file, sqlite::Database::Access::kReadWrite);
    if (!database) return database.error();
    const auto version = sqlite::schema_version(*database);
    if (!version) return version.error();
    if (*version != sqlite::current_schema_version()) return std::optional<sqlite::Database>();
    return std::optional(*std::move(database));
}

}  // namespace

Error bad_sqlite_store(const fs::path& file, const std::string& fault) {
    return {Errc::kConfig, "store " + file.string() + ": " + fault};
}

Result<void> judge_sqlite_store(const fs::path& file) {
    std::error_code failure;
    const auto status = fs::status(file, failure);
    if (!fs::exists(status)) {
        return bad_sqlite_store(
            file, "it does not exist; create it with `scepgate init`, or restore a backup");
    }
    if (!fs::is_regular_file(status))
        return bad_sqlite_store(file, "it is not a file; name the database");
    if (!writable(file)) {
        return bad_sqlite_store(file, "this user may not write it; check its owner and mode");
    }
    if (const auto folder = fs::absolute(file, failure).parent_path(); !writable(folder)) {
        return bad_sqlite_store(
            file, "this user may not write into " + folder.string() +
                      ", where SQLite keeps its log; check the folder's owner and mode");
    }
    // A connection that only reads would leave a -wal and a -shm file behind.
    auto database = sqlite::Database::open(file, sqlite::Database::Access::kReadWrite);
    if (!database) {
        return bad_sqlite_store(file, database.error().detail +
                                          "; is it a scepgate store? If it was, restore a backup");
    }
    const auto version = sqlite::schema_version(*database);
    if (!version) {
        return bad_sqlite_store(file, version.error().detail +
                                          (version.error().code == Errc::kConfig
                                               ? ""
                                               : "; if it was a scepgate store, restore a backup"));
    }
    if (*version == 0)
        return bad_sqlite_store(
            file, "it is empty, which no store of scepgate ever is; restore a backup");
    return {};
}

Result<void> judge_sqlite_clock(const fs::path& file, std::int64_t now) {
    auto database = open_current(file);
    if (!database) return database.error();
    if (!*database) return {};
    auto clock = sql::ClockJudge::prepare(**database);
    return clock ? clock->judge(now) : clock.error();
}

Result<std::vector<certs::Certificate>> sqlite_certificates_of_issuers(
    const fs::path& file, const std::vector<std::string>& cas) {
    auto database = open_current(file);
    if (!database) return database.error();
    if (!*database) return std::vector<certs::Certificate>();
    return sql::certificates_of_issuers(**database, cas);
}

}  // namespace scepgate::ca_backend
