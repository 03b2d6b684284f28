#include "policy/signer_limits.hpp"

#include <algorithm>

namespace scepgate::policy {
namespace {

using Judgement = std::optional<Refusal>;

Refusal refuse_beyond(const SignerLimits& limits, const std::string& key, std::string expected,
                      std::string found) {
    const std::string path = limits.where + '.' + key;
    Refusal refusal =
        refused(FailInfo::kBadMessageCheck, "SignerNotAllowed",
                {"challenge's signer", std::move(expected), std::move(found),
                 "if the signer '" + limits.signer + "' is meant to grant it, change " + path +
                     "; else mend what its MDM grants"});
    refusal.text = "challenge: its signer '" + limits.signer + "' may not grant this: " + path +
                   " allows " + refusal.expected + ", the challenge grants " + refusal.found;
    return refusal;
}

std::string in_seconds(std::int64_t seconds) {
    return std::to_string(seconds) + " s";
}

Judgement judge_lifetime(const SignerLimits& limits, const ChallengeClaims& claims) {
    if (!limits.max_lifetime) return std::nullopt;
    const std::int64_t lives = claims.expires - claims.not_before;
    if (lives <= *limits.max_lifetime) return std::nullopt;
    return refuse_beyond(limits, "max_lifetime",
                         "challenges of " + in_seconds(*limits.max_lifetime),
                         "one of " + in_seconds(lives));
}

Judgement judge_template(const SignerLimits& limits, const ChallengeClaims& claims,
                         const EnrollmentRequest* request) {
    const auto& allowed = limits.templates;
    if (allowed.empty()) return std::nullopt;
    std::string name = claims.template_name.value_or("");
    if (!claims.template_name) {
        if (request == nullptr) return std::nullopt;
        name = request->template_name;
    }
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) return std::nullopt;
    std::string all;
    for (const std::string& each : allowed)
        all += (all.empty() ? "" : ", ") + each;
    return refuse_beyond(limits, "templates", all,
                         name.empty() ? "no template of this endpoint" : name);
}

Judgement judge_validity(const SignerLimits& limits, const ChallengeClaims& claims) {
    if (!limits.max_validity || !claims.max_validity) return std::nullopt;
    if (*claims.max_validity <= *limits.max_validity) return std::nullopt;
    return refuse_beyond(limits, "max_validity",
                         "certificates of " + in_seconds(*limits.max_validity),
                         "one of " + in_seconds(*claims.max_validity));
}

Judgement judge_names_and_key(const SignerLimits& limits, const Ruled& ruled) {
    if (!limits.rules) return std::nullopt;
    auto broken = judge_rules(*limits.rules, ruled);
    if (!broken) return std::nullopt;
    broken->fail_info = FailInfo::kBadMessageCheck;
    broken->text = "challenge: its signer '" + limits.signer + "' may not grant this (" +
                   broken->code + "): " + broken->text;
    broken->code = "SignerNotAllowed";
    return broken;
}

}  // namespace

std::optional<Refusal> judge_signer_limits(const SignerLimits& limits,
                                           const ChallengeClaims& claims,
                                           const EnrollmentRequest* request) {
    if (auto refusal = judge_lifetime(limits, claims)) return refusal;
    if (auto refusal = judge_template(limits, claims, request)) return refusal;
    if (auto refusal = judge_validity(limits, claims)) return refusal;
    const certs::PublicKey* key = request != nullptr ? &request->csr.public_key() : nullptr;
    return judge_names_and_key(limits, {claims.subject, claims.subject_alt_name, claims.sid, key});
}

std::optional<Refusal> judge_built_subject(const SignerLimits& limits, const certs::Name& built,
                                           const certs::GeneralNames& subject_alt_name,
                                           const certs::PublicKey* key) {
    // A SID was judged with the claims; where it stands in the subject, it is judged as that.
    const std::optional<std::string> no_sid;
    return judge_names_and_key(limits, {built, subject_alt_name, no_sid, key});
}

void apply_signer_limits(const SignerLimits& limits, const EnrollmentRequest& request,
                         ChallengeClaims& claims) {
    if (!limits.templates.empty() && !claims.template_name) {
        claims.template_name = request.template_name;
    }
    if (limits.max_validity) {
        claims.max_validity =
            std::min(claims.max_validity.value_or(*limits.max_validity), *limits.max_validity);
    }
}

}  // namespace scepgate::policy
