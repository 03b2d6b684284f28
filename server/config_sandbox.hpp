// What a process that serves keeps from itself (docs/deployment.md).
#pragma once

#include <string>
#include <vector>

namespace scepgate::server {

/// The user that a process started as root becomes for good.
struct RunAsConfig {
    std::string user;   ///< a name or a number
    std::string group;  ///< a name or a number; empty: the user's own
    bool operator==(const RunAsConfig&) const = default;
};

/// The filter of system calls.
struct SandboxConfig {
    bool seccomp = true;
    /// Besides those that scepgate needs: by name, as a token's module may need them.
    std::vector<std::string> syscalls;
    bool operator==(const SandboxConfig&) const = default;
};

}  // namespace scepgate::server
