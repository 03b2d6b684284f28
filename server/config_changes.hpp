// What a reload cannot take over.
#pragma once

#include "server/config.hpp"

namespace scepgate::server {

/// Warns of each item that differs between what was started and the new configuration, and that
/// takes effect only at a restart.
void warn_of_restart(const Config& started, const Config& now, ConfigFaults& faults);

}  // namespace scepgate::server
