// The file beside the audit file that says where its chain is: AUDIT_FILE.head.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <sys/stat.h>

#include "server/audit_digest.hpp"
#include "server/audit_line.hpp"

namespace scepgate::server {

/// The last record that was written, and where the audit file ended after it.
struct AuditHead {
    AuditPosition last;
    std::uint64_t size = 0;   ///< of the audit file
    std::uint64_t inode = 0;  ///< its
};

/// Tells files apart, whatever they are called. One that is open keeps its own.
struct FileId {
    std::uint64_t device = 0, inode = 0;

    static FileId of(const struct stat& status) noexcept { return {status.st_dev, status.st_ino}; }
    friend bool operator==(const FileId&, const FileId&) = default;
};

/// What a head file holds: one line, always of the same length, so that it can be overwritten on a
/// full disk. Its last word authenticates it (with a key) or finds damage.
[[nodiscard]] std::string render_audit_head(const AuditHead& head, const AuditDigest& digest);
/// Nothing where there is none, or a damaged one; kConfig where it was made with another key, or
/// with one and none is given, or the other way round.
[[nodiscard]] Result<std::optional<AuditHead>> parse_audit_head(std::string_view text,
                                                                const AuditDigest& digest);

/// "FILE.head".
[[nodiscard]] std::filesystem::path audit_head_file(const std::filesystem::path& audit_file);

/// The head file, open. Its lock is what all processes share that write one audit file.
class AuditHeadFile {
public:
    enum class Use { kRead, kWrite };
    /// kWrite makes it when it is not there, with the owner of `audit_descriptor`'s file. kRead
    /// gives kNotFound then. kConfig: it cannot be opened.
    static Result<AuditHeadFile> open(std::filesystem::path file, Use use,
                                      int audit_descriptor = -1);
    AuditHeadFile(AuditHeadFile&& other) noexcept;
    AuditHeadFile& operator=(AuditHeadFile&&) = delete;
    ~AuditHeadFile();

    /// Held until destroyed.
    class Lock {
    public:
        explicit Lock(int descriptor) noexcept : descriptor_(descriptor) {}
        Lock(Lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
        Lock& operator=(Lock&&) = delete;
        ~Lock();

    private:
        int descriptor_;
    };
    /// Exclusive for kWrite, shared for kRead.
    Result<Lock> lock();
    /// False when it was moved or deleted: others lock another file by now.
    [[nodiscard]] bool is_current() const;

    /// Octets that are still what write() wrote last are not verified anew.
    Result<std::optional<AuditHead>> read(const AuditDigest& digest) const;
    Result<void> write(const AuditHead& head, const AuditDigest& digest);

private:
    AuditHeadFile(std::filesystem::path file, Use use, int descriptor, FileId id)
        : file_(std::move(file)), use_(use), descriptor_(descriptor), id_(id) {}

    std::filesystem::path file_;
    Use use_;
    int descriptor_;
    FileId id_;
    std::string written_;  ///< by this object, last; empty: nothing
    AuditHead head_;       ///< what that says
};

}  // namespace scepgate::server
