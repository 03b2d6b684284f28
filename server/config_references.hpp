// What no part of a configuration can judge alone: names that must exist, and that must differ.
#pragma once

#include "server/config.hpp"

namespace scepgate::server {

/// CAs, policies and templates that endpoints name must be there; endpoint names and paths, and
/// listen addresses, must differ.
void check_references(const Config& config, ConfigFaults& faults);

}  // namespace scepgate::server
