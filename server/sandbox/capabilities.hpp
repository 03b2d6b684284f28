// Capabilities of this process's threads (capabilities(7)).
#pragma once

#include <array>
#include <cstdint>
#include <linux/capability.h>
#include <sys/types.h>
#include <vector>

#include "certs/result.hpp"

namespace scepgate::server::sandbox {

/// For capget(2) and capset(2), which have no functions in libc.
using Capabilities = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

/// The right to bind ports below 1024; it is in a set's first word.
inline constexpr std::uint32_t kBindingRight = 1U << CAP_NET_BIND_SERVICE;

/// Of a thread; 0: the calling one. False where it has ended.
[[nodiscard]] bool read_capabilities(pid_t thread, Capabilities& out) noexcept;

/// Of the calling thread. A signal handler may call it.
[[nodiscard]] bool set_capabilities(const Capabilities& sets) noexcept;

/// The threads that this process has now. kConfig where /proc is not mounted.
[[nodiscard]] Result<std::vector<pid_t>> own_threads();

/// Takes CAP_NET_BIND_SERVICE, which a systemd unit gives, from all threads, and verifies that; not
/// from root, who has every right. To be called when all ports are bound, before the filter of
/// system calls is there. kUnavailable when a thread keeps it (it blocks SIGURG), or the kernel
/// refuses.
Result<void> give_up_binding();

}  // namespace scepgate::server::sandbox
