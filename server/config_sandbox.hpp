// What a process that serves keeps from itself (docs/deployment.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace scepgate::server {

/// The user that a process started as root becomes for good.
struct RunAsConfig {
    std::string user;   ///< a name or a number
    std::string group;  ///< a name or a number; empty: the user's own
    bool operator==(const RunAsConfig&) const = default;
};

enum class LandlockUse {
    kIfThere,   ///< where the kernel has it; a warning where not
    kRequired,  ///< no start without it
    kOff,
};

/// The filter of system calls, and where files may be written (Landlock).
struct SandboxConfig {
    bool seccomp = true;
    /// Besides those that scepgate needs: by name, as a token's module may need them.
    std::vector<std::string> syscalls;
    LandlockUse landlock = LandlockUse::kIfThere;
    /// Files and folders besides those that the configuration names for what scepgate writes.
    std::vector<std::filesystem::path> writable;
    bool operator==(const SandboxConfig&) const = default;
};

}  // namespace scepgate::server
