// File descriptors: how many there may be, and what connections may take of them.
#pragma once

#include <cstddef>

#include "server/config.hpp"

namespace scepgate::server {

/// Raises the soft limit to the hard one: the soft one is 1024 in most shells and containers.
/// Before the filter of system calls, which forbids it. The limit that holds then.
std::size_t raise_descriptor_limit() noexcept;

/// Lowers the limits of connections so that with `descriptors` some are left for store, audit file,
/// and calls to services outside; with a warning where less than half is left of them. Strangers
/// are then told 503, where otherwise nothing could be opened any more.
void fit_connections(Config& config, std::size_t descriptors, ConfigFaults& faults);

}  // namespace scepgate::server
