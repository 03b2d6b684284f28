// What becomes of a system call that the filter does not let through (SIGSYS).
#pragma once

#include <span>
#include <string_view>

namespace scepgate::server::sandbox {

/// From now on such a call is told in the log, whose file `descriptor` is, in its format; one of
/// `deadly` then ends the process by SIGSYS, any other fails with ENOSYS and is told once. To be
/// called once in a process's life.
void tell_refused_syscalls(int descriptor, bool json, std::span<const std::string_view> deadly);

/// The log has been opened anew. Nothing happens where nothing is told.
void tell_refused_syscalls_in(int descriptor);

}  // namespace scepgate::server::sandbox
