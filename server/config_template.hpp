// Reads certificate templates (docs/templates.md).
#pragma once

#include "server/config_reader.hpp"

namespace scepgate::server {

[[nodiscard]] TemplateConfig read_template(const nlohmann::ordered_json& json,
                                           const std::string& path, ConfigFaults& faults);

/// An endpoint's "templates": for each purpose one name, or several, of which the first is taken
/// where a Grant names none.
void read_endpoint_templates(const nlohmann::ordered_json& json, const std::string& path,
                             EndpointConfig& endpoint, ConfigFaults& faults);

/// The templates that an endpoint can use for any purpose, each with its JSON path.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> templates_of(
    const EndpointConfig& endpoint);

}  // namespace scepgate::server
