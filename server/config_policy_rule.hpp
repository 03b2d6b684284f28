// endpoints[].policy: a name, { "any_of": [...] } or { "all_of": [...] }.
#pragma once

#include "server/config_reader.hpp"

namespace scepgate::server {

/// Compositions may be nested this deep; a name alone has depth 0.
inline constexpr std::size_t kDeepestPolicyRule = 4;

/// Reads the member "policy" of an endpoint. Faults: anything but the three forms, an empty list
/// (nobody would decide), too deep.
[[nodiscard]] PolicyRule read_policy_rule(ConfigReader& endpoint, ConfigFaults& faults);

/// Faults: names of policies that records and modules would take for something else, which are
/// policy::kRenewalPolicy and those with one of + | ( ), by which compositions are written.
void check_policy_name(const std::string& name, const std::string& path, ConfigFaults& faults);

/// Faults: a policy that there is not, one twice (its verdict would count twice), and a policy of
/// type "none" beside others under any_of: that lets everybody in, past the others.
void check_policy_rule(const EndpointConfig& endpoint, const Config& config, ConfigFaults& faults);

/// Whether it grants whatever is asked for.
[[nodiscard]] bool is_open_to_all(const PolicyRule& rule, const Config& config);

}  // namespace scepgate::server
