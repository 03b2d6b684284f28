#include "policy/challenge_parameters.hpp"

#include "certs/asn1_string.hpp"

namespace scepgate::policy {
namespace {

Result<void> check_free_text(const ChallengeParameters& parameters) {
    for (const std::string* text : {&parameters.device_id, &parameters.user_id}) {
        const auto readable = certs::check_readable(*text);
        if (!readable) return in_context("device or user", readable.error());
    }
    for (const std::string& name : parameters.endpoints) {
        const auto readable = certs::check_readable(name);
        if (!readable) return in_context("endpoint", readable.error());
    }
    if (!parameters.template_name) return {};
    const auto readable = certs::check_readable(*parameters.template_name);
    if (!readable) return in_context("template", readable.error());
    return {};
}

}  // namespace

Result<ChallengeClaims> claims_of(const ChallengeParameters& parameters) {
    if (const auto readable = check_free_text(parameters); !readable) return readable.error();
    ChallengeClaims claims;
    claims.subject = parameters.subject;
    claims.subject_alt_name = parameters.subject_alt_name;
    claims.key_usage = parameters.key_usage;
    if (!parameters.extended_key_usage.empty()) {
        claims.extended_key_usage = parameters.extended_key_usage;
    }
    claims.template_name = parameters.template_name;
    claims.purpose = parameters.purpose;
    claims.max_validity = parameters.max_validity;
    claims.device_id = parameters.device_id;
    claims.user_id = parameters.user_id;
    claims.sid = parameters.sid;
    claims.endpoints = parameters.endpoints;
    return claims;
}

}  // namespace scepgate::policy
