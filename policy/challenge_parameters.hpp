// From what a new challenge should allow to the claims that say so.
#pragma once

#include "policy/challenge_claims.hpp"
#include "policy/policy_module.hpp"

namespace scepgate::policy {

/// The claims that a challenge is bound to; the others keep their defaults. kMalformed: a text that
/// nobody can read (certs::check_readable).
Result<ChallengeClaims> claims_of(const ChallengeParameters& parameters);

}  // namespace scepgate::policy
