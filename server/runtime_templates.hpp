// The configuration's certificate templates, ready for every CA.
#pragma once

#include <map>
#include <optional>

#include "ca_backend/template.hpp"
#include "server/config.hpp"

namespace scepgate::server {

using Templates = std::map<std::string, ca_backend::Template>;

/// Nothing when one of them has a fault.
[[nodiscard]] std::optional<Templates> build_templates(
    const std::map<std::string, TemplateConfig>& configs, ConfigFaults& faults);

}  // namespace scepgate::server
