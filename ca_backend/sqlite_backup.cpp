#include "ca_backend/sqlite_backup.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <system_error>
#include <unistd.h>

#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_schema.hpp"

namespace scepgate::ca_backend {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;

Error cannot(Errc code, const std::string& what, int failure) {
    return {code, "cannot " + what + ": " + std::generic_category().message(failure)};
}

/// A file that nobody else sees, gone again unless it is kept.
class PartFile {
public:
    static Result<PartFile> create(fs::path file) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor < 0) {
            Error error = cannot(errno == EEXIST ? Errc::kDenied : Errc::kUnavailable,
                                 "create " + file.string(), errno);
            if (error.code == Errc::kDenied)
                error.detail += "; it is left from a backup that was cut short: delete it";
            return error;
        }
        ::close(descriptor);
        return PartFile(std::move(file));
    }
    PartFile(PartFile&& other) noexcept : file_(std::exchange(other.file_, fs::path())) {}
    PartFile& operator=(PartFile&&) = delete;
    ~PartFile() {
        if (!file_.empty()) ::unlink(file_.c_str());
    }

    [[nodiscard]] const fs::path& file() const noexcept { return file_; }

    /// Durable under the name `out`, which must be free.
    Result<void> become(const fs::path& out) const {
        if (auto synced = sync(file_, O_RDWR); !synced) return synced;
        if (::link(file_.c_str(), out.c_str()) != 0) {
            return cannot(errno == EEXIST ? Errc::kDenied : Errc::kUnavailable,
                          "create " + out.string(), errno);
        }
        ::unlink(file_.c_str());
        return sync(fs::absolute(out).parent_path(), O_RDONLY | O_DIRECTORY);
    }

private:
    explicit PartFile(fs::path file) : file_(std::move(file)) {}

    static Result<void> sync(const fs::path& path, int flags) {
        const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
        const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
        const int failure = errno;
        if (descriptor >= 0) ::close(descriptor);
        if (!done) return cannot(Errc::kUnavailable, "write " + path.string(), failure);
        return {};
    }

    fs::path file_;
};

/// All pages in one step: SQLite's write-ahead log lets the server write meanwhile.
Result<void> copy(Database& from, Database& to, const fs::path& out) {
    const auto failed = [&](int status) {
        return Error{Errc::kUnavailable,
                     "cannot copy the store to " + out.string() + ": " + sqlite3_errstr(status)};
    };
    sqlite3_backup* backup = sqlite3_backup_init(to.get(), "main", from.get(), "main");
    if (backup == nullptr) return failed(sqlite3_errcode(to.get()));
    const int stepped = sqlite3_backup_step(backup, -1);
    const int finished = sqlite3_backup_finish(backup);
    if (stepped != SQLITE_DONE) return failed(stepped);
    if (finished != SQLITE_OK) return failed(finished);
    return {};
}

}  // namespace

Result<void> backup_sqlite_store(const fs::path& file, const fs::path& out) {
    std::error_code failure;
    if (fs::exists(fs::symlink_status(out, failure))) {
        return Error{Errc::kDenied, out.string() + " exists: a backup overwrites nothing"};
    }
    auto from = Database::open(file, Database::Access::kReadWrite);
    if (!from) return Error{Errc::kConfig, "store " + file.string() + ": " + from.error().detail};
    const auto version = sqlite::schema_version(*from);
    if (!version || *version == 0) {
        return Error{Errc::kConfig, "store " + file.string() + ": " +
                                        (version ? "it is empty" : version.error().detail)};
    }
    const auto part = PartFile::create(out.string() + ".part");
    if (!part) return part.error();
    {
        auto to = Database::open(part->file(), Database::Access::kReadWrite);
        if (!to) return to.error();
        if (auto copied = copy(*from, *to, out); !copied) return copied;
        // One file, without a log beside it, wherever it is taken; the server turns it on again.
        if (auto plain = to->query_text("PRAGMA journal_mode=DELETE"); !plain) return plain.error();
    }
    return part->become(out);
}

}  // namespace scepgate::ca_backend
