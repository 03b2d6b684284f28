// What no part of a configuration can judge alone: names that must exist, and that must differ.
#pragma once

#include "server/config_reader.hpp"

namespace scepgate::server {

/// CAs, policies and templates that endpoints name must be there; endpoint names and paths, and
/// listen addresses, must differ.
void check_references(const Config& config, ConfigFaults& faults);

/// What to write in place of `name`: the nearest of `names`, or all that there are.
[[nodiscard]] std::string remedy_for_name(const std::string& name,
                                          const std::set<std::string>& names);

/// A fault when `name` is not in this section; an empty one was reported as missing.
template <class Map>
void check_name(const std::string& path, const std::string& name, const Map& named,
                const char* section, ConfigFaults& faults) {
    if (name.empty() || named.contains(name)) return;
    std::set<std::string> names;
    for (const auto& [key, value] : named)
        names.insert(key);
    faults.error(path, "'" + name + "' is not in '" + section + "'", remedy_for_name(name, names));
}

}  // namespace scepgate::server
