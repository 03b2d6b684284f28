// What a caller wants a challenge for, as it comes in: JSON of the API, parameters of NDES's pages.
#pragma once

#include "policy/policy_module.hpp"
#include "server/admin/problem.hpp"

namespace scepgate::server::admin {

struct ChallengeOrder {
    std::string policy;  ///< empty: not said
    policy::ChallengeParameters parameters;
    std::optional<std::size_t> count;
};

inline constexpr std::size_t kMostChallenges = 100;  ///< in one request

/// The body of POST /api/v1/challenges; 400 with "malformed", "unknown_member" or "bad_value".
/// Nothing is converted, and nothing is passed over; what is given is not empty.
[[nodiscard]] Result<ChallengeOrder, Problem> read_order(std::string_view json);

/// keyUsage and params of NDESGenerateChallenge. `key_usage`: "0x80" signs, "0x20" encrypts, "0xa0"
/// both, "" is not said. `params`: "" or URL-encoded names, as "subject=CN%3Dx&dns=a.example":
/// subject (once), dns, upn, email, uri, ip (each any number of times), device_id, user_id, sid
/// (once).
[[nodiscard]] Result<policy::ChallengeParameters, Problem> read_ndes_order(
    std::string_view key_usage, std::string_view params);

}  // namespace scepgate::server::admin
