// Landlock: what is left of files and ports, whoever one's user is (landlock(7)).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <sys/types.h>

#include "certs/result.hpp"

namespace scepgate::server::sandbox {

/// What can be done to files, as linux/landlock.h numbers it; Debian 12's knows half of them.
namespace file_right {
inline constexpr std::uint64_t kExecute = 1U << 0;
inline constexpr std::uint64_t kWrite = 1U << 1;
inline constexpr std::uint64_t kRead = 1U << 2;
inline constexpr std::uint64_t kRemoveFolder = 1U << 4;
inline constexpr std::uint64_t kRemove = 1U << 5;
inline constexpr std::uint64_t kMakeCharacterDevice = 1U << 6;
inline constexpr std::uint64_t kMakeFolder = 1U << 7;
inline constexpr std::uint64_t kMakeFile = 1U << 8;
inline constexpr std::uint64_t kMakeSocket = 1U << 9;
inline constexpr std::uint64_t kMakeFifo = 1U << 10;
inline constexpr std::uint64_t kMakeBlockDevice = 1U << 11;
inline constexpr std::uint64_t kMakeLink = 1U << 12;
inline constexpr std::uint64_t kMoveBetweenFolders = 1U << 13;
inline constexpr std::uint64_t kTruncate = 1U << 14;
inline constexpr std::uint64_t kControlDevice = 1U << 15;  ///< ioctl
}  // namespace file_right

/// The rights that a kernel of this ABI knows; what it does not know it cannot take away.
[[nodiscard]] std::uint64_t known_file_rights(int abi) noexcept;

/// A file or folder as the kernel tells them apart: a folder that is made anew is another one.
struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileIdentity&) const = default;
};

/// Rules in the making; nothing is in force before enforce().
class Landlock {
public:
    /// The ABI of the running kernel, from 1. kUnavailable, with the reason, where it has none.
    static Result<int> abi();

    /// Of `rights`, none will be left but for what is allowed; of TCP ports, none can be bound
    /// (from ABI 4). `alone`: no signals to other processes but those of this one's making (ABI 6).
    static Result<Landlock> create(std::uint64_t rights, bool alone);

    /// `rights` to where the path leads to now, and to all that is beneath it, then and later.
    /// Nothing where there is no such path. kConfig when the kernel refuses it.
    Result<std::optional<FileIdentity>> allow(const std::filesystem::path& path,
                                              std::uint64_t rights);
    Result<void> allow_port(std::uint16_t port);

    /// For this thread and those that it makes, for good; needs no_new_privs.
    Result<void> enforce();

    Landlock(Landlock&& other) noexcept;
    Landlock& operator=(Landlock&&) = delete;
    ~Landlock();

private:
    Landlock(int descriptor, int abi, std::uint64_t rights)
        : descriptor_(descriptor), abi_(abi), rights_(rights) {}

    int descriptor_;
    int abi_;
    std::uint64_t rights_;  ///< those that this kernel knows
};

}  // namespace scepgate::server::sandbox
