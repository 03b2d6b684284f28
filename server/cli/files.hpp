// Files that commands make: for whoever runs them, or for the server, which may be another user.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "certs/result.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

/// A file's octets; kUnavailable when it cannot be read.
[[nodiscard]] Result<std::string> read_whole_file(const std::filesystem::path& file);

/// Whose a new file is. By itself: this process's, as its umask has it.
struct FileOwner {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    bool group_reads = false;  ///< secrets too: 0640 in place of 0600
};

/// So that the server can read what is made beside its configuration. Root's files become the
/// configuration's owner's. They are its group's to read where that may read the configuration and
/// is not the owner's own; or, with "run_as", a group's that its user has.
[[nodiscard]] FileOwner owner_beside(const Config& config);
/// The same for a process of the user `me`, where the configuration's file has this status.
[[nodiscard]] FileOwner owner_beside(const struct stat& file,
                                     const std::optional<RunAsConfig>& run_as, uid_t me);

/// Creates a file that must not exist yet; kDenied when it does, kUnavailable when it cannot be
/// written, or not given to `owner` (nothing is left behind).
Result<void> write_new_file(const std::filesystem::path& file, ByteView content, bool secret,
                            const FileOwner& owner = {});
/// Creates or replaces a file in one step (temporary file and rename).
Result<void> replace_file(const std::filesystem::path& file, ByteView content, bool secret);
/// The same, with owner, group and mode of `model`: the file itself, or the one of which it is a
/// copy. kUnavailable when they cannot be had.
Result<void> replace_file_like(const std::filesystem::path& model,
                               const std::filesystem::path& file, ByteView content);
/// A copy of `file`, content and all, as `copy`.
Result<void> copy_file_like(const std::filesystem::path& file, const std::filesystem::path& copy);
/// A folder that was just made: the owner's, and open to whom its files are.
Result<void> give_folder(const std::filesystem::path& folder, const FileOwner& owner);

/// Files that were just made: removed again, unless they are kept.
class NewFiles {
public:
    NewFiles() = default;
    explicit NewFiles(const FileOwner& owner) : owner_(owner) {}
    NewFiles(NewFiles&& other) noexcept
        : owner_(other.owner_), files_(std::exchange(other.files_, {})) {}
    NewFiles& operator=(NewFiles&&) = delete;
    ~NewFiles();

    /// write_new_file()
    Result<void> write(const std::filesystem::path& file, ByteView content, bool secret);
    /// As soon as anything names them: whatever fails after that, they stay.
    void keep() noexcept { files_.clear(); }

private:
    FileOwner owner_;
    std::vector<std::filesystem::path> files_;
};

}  // namespace scepgate::server::cli
