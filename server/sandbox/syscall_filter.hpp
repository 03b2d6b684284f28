// The filter of system calls (libseccomp): what a running scepgate may still ask of the kernel.
#pragma once

#include <string>

#include "server/config_sandbox.hpp"
#include "server/log.hpp"

namespace scepgate::server::sandbox {

enum class SyscallName { kUsable, kUnknown, kForbidden };

/// Whether `sandbox.syscalls` may name it.
[[nodiscard]] SyscallName judge_syscall(const std::string& name);

/// Puts all threads, and those that they make, under the filter, for good:
/// - what is needed goes through (syscalls.hpp, and `config.syscalls`);
/// - what no honest code makes (execve, fork, ptrace, mount, …) ends the process by SIGSYS, after a
///   line in the log that names it;
/// - anything else fails with ENOSYS, as on an older kernel, and is told once a system call.
/// No memory becomes executable that could be written, and no socket listens anew.
///
/// kConfig where the kernel has no such filter. Without `config.seccomp` nothing is done.
Result<void> filter_system_calls(const SandboxConfig& config, const Log& log);

}  // namespace scepgate::server::sandbox
