// How much of the machine is ours.
#pragma once

namespace scepgate::server {

/// The cores that this process may run on (its CPU affinity: taskset, a container's cpuset); at
/// least 1. More threads than these would only take turns.
[[nodiscard]] unsigned usable_cores() noexcept;

}  // namespace scepgate::server
