// Claims against the clock, this server, and the CSR.
#include "policy/claims_judge.hpp"

#include <algorithm>

#include "certs/clock.hpp"
#include "certs/excerpt.hpp"
#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

using Refused = std::optional<Refusal>;

Refusal bad_blob(std::string code, Finding finding) {
    finding.what.insert(0, "challenge: ");
    return refused(FailInfo::kBadMessageCheck, std::move(code), std::move(finding));
}

Refusal bad_request(std::string code, Finding finding) {
    return refused(FailInfo::kBadRequest, std::move(code), std::move(finding));
}

std::string seconds(std::int64_t count) {
    return std::to_string(count) + " s";
}

/// Short enough that a hint has room for two.
std::string cut_text(const certs::GeneralNames& names) {
    constexpr std::size_t kHalf = 200;
    return excerpt(certs::to_text(names), kHalf);
}

Refused judge_lifetime(const ClaimsCase& at) {
    const ChallengeClaims& claims = at.claims;
    const std::int64_t life = claims.expires - claims.not_before;
    if (life <= 0) {
        return bad_blob("ChallengeInvalidTimestamp",
                        {"exp", "after " + certs::utc_text(claims.not_before),
                         certs::utc_text(claims.expires), "the MDM has to write exp after nbf"});
    }
    if (life > at.settings.maximum_lifetime) {
        return bad_blob(
            "ChallengeInvalidTimestamp",
            {"lifetime", "at most " + seconds(at.settings.maximum_lifetime), seconds(life),
             "shorten it at the MDM, or raise max_lifetime of this policy"});
    }
    return std::nullopt;
}

Refused judge_time(const ClaimsCase& at) {
    const ChallengeClaims& claims = at.claims;
    const std::int64_t skew = at.settings.clock_skew;
    const auto now = [&] { return certs::utc_text(at.now); };
    if (claims.issued_at > at.now + skew) {
        return bad_blob("ChallengeInvalidTimestamp",
                        {"iat", "not after " + now(), certs::utc_text(claims.issued_at),
                         "compare the clocks of the MDM and of this server"});
    }
    if (at.now < claims.not_before - skew) {
        return bad_blob("ChallengeNotYetValid",
                        {"now", "from " + certs::utc_text(claims.not_before), now(),
                         "let the device come later, or compare the clocks of the MDM and of this "
                         "server"});
    }
    if (at.now > claims.expires + skew) {
        return bad_blob("ChallengeExpired",
                        {"now", "until " + certs::utc_text(claims.expires), now(),
                         "have the MDM send the profile again, with a new challenge; where devices "
                         "come late, let challenges live longer"});
    }
    return std::nullopt;
}

Refused judge_audience(const ClaimsCase& at) {
    if (at.claims.audience == at.settings.audience) return std::nullopt;
    return bad_blob("AudienceMismatch",
                    {"audience", at.settings.audience, at.claims.audience,
                     "the challenge was made for another server or policy: compare the profile's "
                     "URL and audience of this policy"});
}

Refused judge_endpoint_claim(const ClaimsCase& at) {
    return judge_endpoint(at.claims, at.request);
}

std::string name_text(const certs::Name& name) {
    return name.empty() ? "none" : name.text();
}

Refused judge_subject(const ClaimsCase& at) {
    const certs::Name& expected = at.claims.subject;
    const certs::Name& found = at.request.csr.subject();
    // Before they are compared: spaces that matching folds count here.
    if (const auto bounds = found.check_upper_bounds(); !bounds) {
        return refused({FailInfo::kBadRequest, "SubjectNameInvalid", "subject",
                        "correct the subject in the client's profile"},
                       bounds.error().detail);
    }
    if (matches(expected, found)) return std::nullopt;
    if (found.empty()) {
        return bad_request("SubjectNameMissing",
                           {"subject", expected.text(), "none",
                            "have the client's profile set the subject that the MDM put into the "
                            "challenge"});
    }
    return bad_request("SubjectNameMismatch",
                       {"subject", name_text(expected), found.text(),
                        matches_reversed(expected, found)
                            ? "the same RDNs in reverse order: turn the order round in the "
                              "client's profile or in the challenge"
                            : "make the client's profile and what the MDM puts into the challenge "
                              "the same"});
}

Refused judge_alternative_names(const ClaimsCase& at) {
    const certs::GeneralNames& expected = at.claims.subject_alt_name;
    const certs::GeneralNames& found = at.request.csr.requested().subject_alt_name;
    const certs::GeneralNamesDifference difference = certs::difference(expected, found);
    if (difference.none()) return std::nullopt;
    if (found.empty()) {
        return bad_request("SubjectAltNameMissing",
                           {"subjectAltName", certs::to_text(expected), "none",
                            "have the client's profile ask for these names"});
    }
    return bad_request("SubjectAltNameMismatch",
                       {"subjectAltName", certs::to_text(expected), certs::to_text(found),
                        "missing in the CSR: " + cut_text(difference.missing) +
                            "; not in the challenge: " + cut_text(difference.extra)});
}

Refused judge_sid(const ClaimsCase& at) {
    const std::optional<std::string>& claimed = at.claims.sid;
    for (const certs::GeneralName& name : at.claims.subject_alt_name) {
        const auto sid = sid_in(name);
        if (sid && claimed && *sid != *claimed) {
            return bad_blob("SidMismatch",
                            {"SID in san", *claimed, std::string(*sid),
                             "the MDM contradicts itself: sid and san have to name one account"});
        }
    }
    const std::optional<std::string>& requested = at.request.csr.requested().sid;
    if (!requested || requested == claimed) return std::nullopt;
    return bad_request("SidMismatch",
                       {"SID extension", claimed.value_or("none"), *requested,
                        "only the account that the challenge names can be certified"});
}

std::string usage_text(const std::optional<certs::KeyUsage>& usage) {
    return usage ? usage->text() : "none";
}

Refused judge_key_usage(const ClaimsCase& at) {
    const std::optional<certs::KeyUsage>& expected = at.claims.key_usage;
    const std::optional<certs::KeyUsage>& found = at.request.csr.requested().key_usage;
    if (expected == found) return std::nullopt;
    if (expected) {
        return bad_request("KeyUsageMismatch",
                           {"key usage", usage_text(expected), usage_text(found),
                            "set the key usage of the client's profile to the challenge's"});
    }
    if (at.claims.template_name || at.claims.purpose) return std::nullopt;
    return bad_request("KeyUsageMismatch",
                       {"key usage", usage_text(expected), usage_text(found),
                        "it would choose the template: put key_usage, purpose or template into "
                        "the challenge"});
}

Refused judge_purpose(const ClaimsCase& at) {
    if (!at.claims.purpose || *at.claims.purpose == at.request.purpose) return std::nullopt;
    return bad_request("PurposeMismatch",
                       {"purpose", std::string(to_text(*at.claims.purpose)),
                        std::string(to_text(at.request.purpose)),
                        "the CSR's key usage (" + usage_text(at.request.csr.requested().key_usage) +
                            ") leads to it: correct the client's profile or the challenge"});
}

Refused judge_extended_key_usage(const ClaimsCase& at) {
    const std::optional<certs::ExtendedKeyUsage>& expected = at.claims.extended_key_usage;
    const auto& found = at.request.csr.requested().extended_key_usage;
    // Without the claim the template's stand in the certificate, whatever the CSR asks for.
    if (!expected || (found && certs::same_usages(*expected, *found))) return std::nullopt;
    return bad_request(
        found ? "EnhancedKeyUsageMismatch" : "EnhancedKeyUsageMissing",
        {"extended key usage", certs::to_text(*expected), found ? certs::to_text(*found) : "none",
         "set the extended key usages of the client's profile to the challenge's"});
}

std::string type_of(const certs::PublicKey& key) {
    return key.type() == certs::KeyType::kRsa ? "rsa" : key.text();
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

Refused judge_key_type(const ClaimsCase& at) {
    const std::vector<std::string>& allowed = at.claims.key.types;
    if (allowed.empty()) return std::nullopt;
    const std::string type = type_of(at.request.csr.public_key());
    if (std::find(allowed.begin(), allowed.end(), type) != allowed.end()) return std::nullopt;
    return bad_request("KeyTypeMismatch", {"key type", joined(allowed), type,
                                           "set the key type of the client's profile"});
}

Refused judge_key_length(const ClaimsCase& at) {
    const certs::PublicKey& key = at.request.csr.public_key();
    const auto& least = at.claims.key.minimum_bits;
    if (key.type() != certs::KeyType::kRsa || !least || key.bits() >= *least) return std::nullopt;
    return bad_request("KeyLengthMismatch",
                       {"key length", std::to_string(*least) + " bits or more",
                        std::to_string(key.bits()), "set the key size of the client's profile"});
}

Refused judge_registered_key(const ClaimsCase& at) {
    const auto& registered = at.claims.key.spki_sha256;
    if (!registered) return std::nullopt;
    const std::string found = to_hex(sha256(at.request.csr.public_key().spki()));
    if (found == *registered) return std::nullopt;
    return bad_request("RegisteredKeyMismatch",
                       {"key (SHA-256)", *registered, found,
                        "the challenge is for another key: the device made a new one since, or "
                        "this is another device"});
}

constexpr ClaimCheck kChecks[] = {
    {"lifetime", judge_lifetime,
     [](const ClaimsCase& at) { return "at most " + seconds(at.settings.maximum_lifetime); }},
    {"time", judge_time,
     [](const ClaimsCase& at) {
         return certs::utc_text(at.claims.not_before) + " to " + certs::utc_text(at.claims.expires);
     }},
    {"audience", judge_audience, [](const ClaimsCase& at) { return at.settings.audience; }},
    {"endpoint", judge_endpoint_claim,
     [](const ClaimsCase& at) {
         return at.claims.endpoints.empty() ? "any" : joined(at.claims.endpoints);
     }},
    {"subject", judge_subject, [](const ClaimsCase& at) { return name_text(at.claims.subject); }},
    {"subjectAltName", judge_alternative_names,
     [](const ClaimsCase& at) { return certs::to_text(at.claims.subject_alt_name); }},
    {"SID", judge_sid, [](const ClaimsCase& at) { return at.claims.sid.value_or("none"); }},
    {"key usage", judge_key_usage,
     [](const ClaimsCase& at) {
         if (at.claims.key_usage) return at.claims.key_usage->text();
         return std::string(at.claims.purpose || at.claims.template_name ? "any" : "none");
     }},
    {"purpose", judge_purpose,
     [](const ClaimsCase& at) {
         return at.claims.purpose ? std::string(to_text(*at.claims.purpose)) : "any";
     }},
    {"extended key usage", judge_extended_key_usage,
     [](const ClaimsCase& at) {
         const auto& claimed = at.claims.extended_key_usage;
         return claimed ? certs::to_text(*claimed) : "the template's";
     }},
    {"key type", judge_key_type,
     [](const ClaimsCase& at) {
         return at.claims.key.types.empty() ? "any" : joined(at.claims.key.types);
     }},
    {"key length", judge_key_length,
     [](const ClaimsCase& at) {
         const auto& least = at.claims.key.minimum_bits;
         return least ? std::to_string(*least) + " bits or more" : "any";
     }},
    {"key", judge_registered_key,
     [](const ClaimsCase& at) { return at.claims.key.spki_sha256.value_or("any"); }},
};

}  // namespace

std::span<const ClaimCheck> claim_checks() noexcept {
    return kChecks;
}

std::optional<Refusal> judge_endpoint(const ChallengeClaims& claims,
                                      const EnrollmentRequest& request) {
    const auto& allowed = claims.endpoints;
    const bool here = allowed.empty() ||
                      std::find(allowed.begin(), allowed.end(), request.endpoint) != allowed.end();
    if (here) return std::nullopt;
    return bad_blob("EndpointMismatch",
                    {"endpoint", joined(allowed), request.endpoint,
                     "the challenge was made for another endpoint: have it made for the one whose "
                     "URL the profile has, or correct the URL"});
}

std::optional<Refusal> judge_claims(const ChallengeBlobSettings& settings,
                                    const ChallengeClaims& claims, const EnrollmentRequest& request,
                                    std::int64_t now) {
    const ClaimsCase at{settings, claims, request, now};
    for (const ClaimCheck& check : kChecks) {
        if (auto refusal = check.judge(at)) return refusal;
    }
    return std::nullopt;
}

std::vector<Verdict> explain_claims(const ClaimsCase& at) {
    std::vector<Verdict> verdicts;
    for (const ClaimCheck& check : kChecks) {
        if (const auto refusal = check.judge(at)) {
            verdicts.push_back(failed(at.settings.name, check.name, *refusal));
        } else {
            verdicts.push_back(
                {.module = at.settings.name, .check = check.name, .expected = check.wanted(at)});
        }
    }
    return verdicts;
}

}  // namespace scepgate::policy
