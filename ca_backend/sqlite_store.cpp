#include "ca_backend/sqlite_store.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "ca_backend/sql_writer.hpp"
#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_judge.hpp"
#include "ca_backend/sqlite_schema.hpp"

namespace scepgate::ca_backend {
namespace {

using sqlite::Database;

/// Makes an empty file that only we can read; -wal and -shm inherit its mode. A file that exists is
/// not even opened here: closing it would drop the locks that this process has on it.
Result<void> create_private(const std::filesystem::path& file) {
    constexpr mode_t kOwnerOnly = 0600;
    const int descriptor =
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
    if (descriptor >= 0) {
        ::close(descriptor);
        return {};
    }
    const int failure = errno;
    if (failure == EEXIST) return {};
    return bad_sqlite_store(file, "cannot be created: " + std::generic_category().message(failure) +
                                      "; the directory must exist and be writable");
}

Error explain(const std::filesystem::path& file, const Error& error) {
    if (error.code == Errc::kConfig) return bad_sqlite_store(file, error.detail);
    return bad_sqlite_store(
        file, error.detail +
                  "; check that it is a scepgate store, the owner and mode of the file "
                  "and its directory, and the free space, or restore a backup");
}

Result<Database> open_database(const std::filesystem::path& file, SqliteStore::Mode mode) {
    const bool read_only = mode == SqliteStore::Mode::kReadOnly;
    auto database = Database::open(
        file, read_only ? Database::Access::kReadOnly : Database::Access::kReadWrite);
    if (!database) return database.error();
    const auto version = sqlite::schema_version(*database);
    if (!version) return version.error();
    if (*version == 0 && mode != SqliteStore::Mode::kCreateOrOpen) {
        return Error{Errc::kConfig,
                     "it is empty, which no store of scepgate ever is; restore a backup"};
    }
    const bool as_it_is = read_only || mode == SqliteStore::Mode::kOpenCurrent;
    if (as_it_is && *version != sqlite::current_schema_version()) {
        return Error{Errc::kConfig,
                     "made by an older scepgate; start the server of this version, or run "
                     "`scepgate store create`, to upgrade it"};
    }
    if (read_only) return database;
    // Turns the log on, too, which a copy of a store comes without.
    if (const auto upgraded = sqlite::upgrade_schema(*database); !upgraded) return upgraded.error();
    return database;
}

Result<std::unique_ptr<sql::Connection>> connect_reader(const std::filesystem::path& file) {
    auto database = Database::open(file, Database::Access::kReadOnly);
    if (!database) return database.error();
    return std::unique_ptr<sql::Connection>(std::make_unique<Database>(*std::move(database)));
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& file,
                                                       Mode mode) {
    if (mode == Mode::kCreateOrOpen) {
        if (const auto created = create_private(file); !created) return created.error();
    }
    std::error_code failure;
    if (!std::filesystem::exists(file, failure)) {
        return bad_sqlite_store(file, failure
                                          ? failure.message()
                                          : "it does not exist; create it with `scepgate init`, or "
                                            "restore a backup");
    }
    auto database = open_database(file, mode);
    if (!database) return explain(file, database.error());
    std::unique_ptr<sql::Writer> writer;
    if (mode != Mode::kReadOnly) {
        auto started = sql::Writer::start(std::make_unique<Database>(*std::move(database)));
        if (!started) return explain(file, started.error());
        writer = *std::move(started);
    }
    return std::unique_ptr<SqliteStore>(
        new SqliteStore(std::move(writer), [file] { return connect_reader(file); }));
}

}  // namespace scepgate::ca_backend
