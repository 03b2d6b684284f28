// What one trusted signer of challenges may grant, when there is more than one MDM.
#pragma once

#include "certs/enrollment.hpp"
#include "policy/challenge_claims.hpp"
#include "policy/issuance_rules.hpp"

namespace scepgate::policy {

/// An empty limit does not limit.
struct SignerLimits {
    std::string signer;                        ///< its name in messages
    std::string where;                         ///< JSON path, for messages
    std::vector<std::string> templates;        ///< that its challenges may lead to
    std::optional<std::int64_t> max_validity;  ///< seconds, of certificates
    std::optional<std::int64_t> max_lifetime;  ///< seconds, of challenges
    bool approval = false;                     ///< an operator decides what it grants
    std::optional<IssuanceRules> rules;        ///< beside the endpoint's
};

/// Judges what a challenge grants: its lifetime, the template, the validity, the names and, with a
/// request, the key. "SignerNotAllowed", as everything that is wrong with a challenge itself
/// badMessageCheck. `request` null: the challenge is about to be made; then a template that it does
/// not name is not judged.
[[nodiscard]] std::optional<Refusal> judge_signer_limits(const SignerLimits& limits,
                                                         const ChallengeClaims& claims,
                                                         const EnrollmentRequest* request);

/// Judges a subject that a template builds of what a challenge grants, which is in the certificate
/// in place of the claimed one. `key` null: not known yet. "SignerNotAllowed".
[[nodiscard]] std::optional<Refusal> judge_built_subject(
    const SignerLimits& limits, const certs::Name& built,
    const certs::GeneralNames& subject_alt_name, const certs::PublicKey* key);

/// Puts the limits on what is granted: the template is fixed, also for an approval that comes under
/// another configuration, and the validity ends with the limit's.
void apply_signer_limits(const SignerLimits& limits, const EnrollmentRequest& request,
                         ChallengeClaims& claims);

}  // namespace scepgate::policy
