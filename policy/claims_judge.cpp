// Claims against the clock, this server, and the CSR.
#include <algorithm>

#include "certs/clock.hpp"
#include "policy/challenge_blob.hpp"
#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

using Verdict = std::optional<Refusal>;

Refusal bad_blob(std::string code, std::string text) {
    return {FailInfo::kBadMessageCheck, std::move(code), "challenge: " + std::move(text)};
}

Refusal bad_request(std::string code, std::string text) {
    return {FailInfo::kBadRequest, std::move(code), std::move(text)};
}

std::string in_quotes(std::string_view text) {
    return "'" + std::string(text) + "'";
}

std::string expected_and_found(std::string_view what, std::string_view expected,
                               std::string_view found) {
    return std::string(what) + ": expected " + in_quotes(expected) + ", the CSR has " +
           in_quotes(found);
}

struct Case {
    const ChallengeBlobSettings& settings;
    const ChallengeClaims& claims;
    const certs::Csr& csr;
    certs::Purpose purpose;
    std::int64_t now;
};

Verdict judge_time(const Case& at) {
    const ChallengeClaims& claims = at.claims;
    const std::int64_t skew = at.settings.clock_skew;
    if (claims.expires <= claims.not_before) {
        return bad_blob("ChallengeInvalidTimestamp", "exp is not after nbf");
    }
    if (claims.expires - claims.not_before > at.settings.maximum_lifetime) {
        return bad_blob("ChallengeInvalidTimestamp",
                        "it lives " + std::to_string(claims.expires - claims.not_before) +
                            " s, at most " + std::to_string(at.settings.maximum_lifetime) +
                            " s are taken (maximum_lifetime)");
    }
    if (claims.issued_at > at.now + skew) {
        return bad_blob("ChallengeInvalidTimestamp", "it was issued in the future, " +
                                                         certs::utc_text(claims.issued_at) +
                                                         "; compare the clocks");
    }
    if (at.now < claims.not_before - skew) {
        return bad_blob("ChallengeNotYetValid",
                        "it is valid from " + certs::utc_text(claims.not_before));
    }
    if (at.now > claims.expires + skew) {
        return bad_blob("ChallengeExpired", "it expired " + certs::utc_text(claims.expires));
    }
    return std::nullopt;
}

Verdict judge_audience(const Case& at) {
    if (at.claims.audience == at.settings.audience) return std::nullopt;
    return bad_blob("AudienceMismatch", "it is for " + in_quotes(at.claims.audience) + ", we are " +
                                            in_quotes(at.settings.audience));
}

Verdict judge_subject(const Case& at) {
    const certs::Name& expected = at.claims.subject;
    const certs::Name& found = at.csr.subject();
    if (matches(expected, found)) return std::nullopt;
    if (found.empty()) {
        return bad_request("SubjectNameMissing", "subject: expected " + in_quotes(expected.text()) +
                                                     ", the CSR has none");
    }
    std::string text = expected_and_found("subject", expected.text(), found.text());
    if (matches_reversed(expected, found)) {
        text +=
            " (the same RDNs in reverse order: turn the order round in the client's profile or "
            "in the challenge)";
    }
    return bad_request("SubjectNameMismatch", std::move(text));
}

Verdict judge_alternative_names(const Case& at) {
    const certs::GeneralNames& expected = at.claims.subject_alt_name;
    const certs::GeneralNames& found = at.csr.requested().subject_alt_name;
    const certs::GeneralNamesDifference difference = certs::difference(expected, found);
    if (difference.none()) return std::nullopt;
    if (found.empty()) {
        return bad_request(
            "SubjectAltNameMissing",
            "subjectAltName: expected " + certs::to_text(expected) + ", the CSR has none");
    }
    return bad_request("SubjectAltNameMismatch",
                       "subjectAltName: missing in the CSR " + certs::to_text(difference.missing) +
                           "; not in the challenge " + certs::to_text(difference.extra));
}

Verdict judge_sid(const Case& at) {
    const std::optional<std::string>& claimed = at.claims.sid;
    for (const certs::GeneralName& name : at.claims.subject_alt_name) {
        const auto sid = sid_in(name);
        if (sid && claimed && *sid != *claimed) {
            return bad_blob("SidMismatch",
                            "its sid is " + *claimed + ", its san has " + name.text());
        }
    }
    const std::optional<std::string>& requested = at.csr.requested().sid;
    if (!requested || requested == claimed) return std::nullopt;
    return bad_request("SidMismatch",
                       expected_and_found("SID extension", claimed.value_or("none"), *requested));
}

Verdict judge_key_usage(const Case& at) {
    const std::optional<certs::KeyUsage>& expected = at.claims.key_usage;
    const std::optional<certs::KeyUsage>& found = at.csr.requested().key_usage;
    const auto text = [](const std::optional<certs::KeyUsage>& usage) {
        return usage ? usage->text() : "none";
    };
    if (expected != found) {
        if (expected) {
            return bad_request("KeyUsageMismatch",
                               expected_and_found("key usage", text(expected), text(found)));
        }
        if (!at.claims.template_name && !at.claims.purpose) {
            return bad_request(
                "KeyUsageMismatch",
                expected_and_found("key usage", text(expected), text(found)) +
                    " (it would choose the template: put key_usage, purpose or template into the "
                    "challenge)");
        }
    }
    if (at.claims.purpose && *at.claims.purpose != at.purpose) {
        return bad_request("PurposeMismatch",
                           "purpose: expected " + in_quotes(certs::to_text(*at.claims.purpose)) +
                               ", the CSR's key usage (" + text(found) + ") leads to " +
                               in_quotes(certs::to_text(at.purpose)));
    }
    return std::nullopt;
}

Verdict judge_extended_key_usage(const Case& at) {
    const std::optional<certs::ExtendedKeyUsage>& expected = at.claims.extended_key_usage;
    const std::optional<certs::ExtendedKeyUsage>& found = at.csr.requested().extended_key_usage;
    // Without the claim the template's stand in the certificate, whatever the CSR asks for.
    if (!expected) return std::nullopt;
    if (!found) {
        return bad_request("EnhancedKeyUsageMissing", "extended key usage: expected " +
                                                          in_quotes(certs::to_text(*expected)) +
                                                          ", the CSR has none");
    }
    if (certs::same_usages(*expected, *found)) return std::nullopt;
    return bad_request("EnhancedKeyUsageMismatch",
                       expected_and_found("extended key usage", certs::to_text(*expected),
                                          certs::to_text(*found)));
}

Verdict judge_key(const Case& at) {
    const KeyClaim& claim = at.claims.key;
    const certs::PublicKey& key = at.csr.public_key();
    const bool rsa = key.type() == certs::KeyType::kRsa;
    const std::string type = rsa ? "rsa" : key.text();
    if (!claim.types.empty() &&
        std::find(claim.types.begin(), claim.types.end(), type) == claim.types.end()) {
        std::string allowed;
        for (const std::string& each : claim.types) {
            allowed += (allowed.empty() ? "" : ", ") + each;
        }
        return bad_request("KeyTypeMismatch", expected_and_found("key type", allowed, type));
    }
    if (rsa && claim.minimum_bits && key.bits() < *claim.minimum_bits) {
        return bad_request("KeyLengthMismatch",
                           "key length: expected " + std::to_string(*claim.minimum_bits) +
                               " bits or more, the CSR has " + std::to_string(key.bits()));
    }
    return std::nullopt;
}

}  // namespace

std::optional<Refusal> judge_claims(const ChallengeBlobSettings& settings,
                                    const ChallengeClaims& claims, const EnrollmentRequest& request,
                                    std::int64_t now) {
    const Case at{settings, claims, request.csr, request.purpose, now};
    for (const auto judge : {judge_time, judge_audience, judge_subject, judge_alternative_names,
                             judge_sid, judge_key_usage, judge_extended_key_usage, judge_key}) {
        if (auto refusal = judge(at)) return refusal;
    }
    return std::nullopt;
}

}  // namespace scepgate::policy
