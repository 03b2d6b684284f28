// The checks of a challenge's claims, one by one.
#pragma once

#include <span>

#include "policy/challenge_blob.hpp"

namespace scepgate::policy {

/// What claims are held against.
struct ClaimsCase {
    const ChallengeBlobSettings& settings;
    const ChallengeClaims& claims;
    const EnrollmentRequest& request;
    std::int64_t now;
};

struct ClaimCheck {
    const char* name;  ///< "subject"
    /// No value: passed.
    std::optional<Refusal> (*judge)(const ClaimsCase& at);
    /// What the claims want, as far as they say.
    std::string (*wanted)(const ClaimsCase& at);
};

/// In the order of judgement: judge_claims() stops at the first that fails.
[[nodiscard]] std::span<const ClaimCheck> claim_checks() noexcept;

/// Whether the claims are for the endpoint that the request came to; badMessageCheck, as all that
/// is wrong with a challenge itself. One of the checks above.
[[nodiscard]] std::optional<Refusal> judge_endpoint(const ChallengeClaims& claims,
                                                    const EnrollmentRequest& request);

/// Every check's verdict.
[[nodiscard]] std::vector<Verdict> explain_claims(const ClaimsCase& at);

}  // namespace scepgate::policy
