#include "policy/renewal.hpp"

#include <algorithm>

#include "certs/clock.hpp"
#include "certs/oids.hpp"
#include "certs/weak_keys.hpp"
#include "policy/grant_maker.hpp"

namespace scepgate::policy {
namespace {

using RenewalRefused = std::optional<Refusal>;

constexpr const char* kCheck = "renewal";

Refusal refuse_renewal(std::string code, Finding finding) {
    finding.what.insert(0, "renewal: ");
    Refusal refusal = refused(FailInfo::kBadRequest, std::move(code), std::move(finding));
    refusal.check = kCheck;
    return refusal;
}

Refusal refuse_renewal(std::string code, const std::string& what, std::string hint) {
    Refusal refusal =
        refused(FailInfo::kBadRequest, std::move(code), "renewal: " + what, std::move(hint));
    refusal.check = kCheck;
    return refusal;
}

constexpr const char* kEnrolAnew = "the device has to enrol anew, with a challenge";

/// What the old certificate says of its holder.
struct Identity {
    certs::Name subject;
    certs::GeneralNames subject_alt_name;
    std::optional<certs::KeyUsage> key_usage;
    std::optional<certs::ExtendedKeyUsage> extended_key_usage;
    std::optional<std::string> sid;
};

Result<Identity> read_identity(const certs::Certificate& certificate) {
    Identity identity;
    auto subject = certs::Name::from_der(certificate.subject_der());
    if (!subject) return in_context("subject", subject.error());
    identity.subject = std::move(*subject);
    const auto& extensions = certificate.extensions();
    if (const auto* names = find_extension(extensions, certs::oid::kSubjectAltName)) {
        auto read = certs::parse_general_names(names->value);
        if (!read) return in_context("subjectAltName", read.error());
        identity.subject_alt_name = std::move(*read);
    }
    if (const auto* sid = find_extension(extensions, certs::oid::kNtdsCaSecurity)) {
        auto read = certs::parse_sid_extension(sid->value);
        if (!read) return in_context("SID", read.error());
        identity.sid = std::move(*read);
    }
    auto usage = certificate.key_usage();
    if (!usage) return in_context("key usage", usage.error());
    identity.key_usage = *usage;
    auto extended = certificate.extended_key_usage();
    if (!extended) return in_context("extended key usage", extended.error());
    identity.extended_key_usage = std::move(*extended);
    return identity;
}

RenewalRefused judge_standing(const RenewalSettings& settings, const EnrollmentRequest& request,
                              const std::optional<RenewedCertificate>& known, std::int64_t now) {
    const certs::Certificate& old = request.signer;
    const std::string who = "the certificate with serial " + old.serial_hex();
    if (!known)
        return refuse_renewal(
            "RenewalSignerUnknown", who + " was never issued here",
            "the device has to enrol anew, with a challenge; was the store restored or lost?");
    if (known->endpoint != request.endpoint) {
        return refuse_renewal("RenewalOtherEndpoint",
                              {who + ": endpoint", request.endpoint, known->endpoint,
                               "let the device renew at the URL where it enrolled"});
    }
    // Whoever factored it could renew in the holder's name; it may be older than the check is.
    if (const auto key = old.public_key()) {
        if (const auto weakness = certs::weakness_of(*key)) {
            return refuse_renewal("RenewalSignerWeakKey",
                                  who + " has a weak key: " + std::string(*weakness), kEnrolAnew);
        }
    }
    if (known->revoked) {
        return refuse_renewal("RenewalSignerRevoked", who + " is revoked or on hold", kEnrolAnew);
    }
    const auto now_text = [&] { return certs::utc_text(now); };
    if (now < old.not_before()) {
        return refuse_renewal(
            "RenewalSignerNotYetValid",
            {who + ": now", "from " + certs::utc_text(old.not_before()), now_text(),
             "compare the clocks of the server and of the CA that issued it"});
    }
    if (now > old.not_after() + settings.grace) {
        return refuse_renewal(
            "RenewalSignerExpired",
            {who + ": now",
             "until " + certs::utc_text(old.not_after()) + " and " +
                 std::to_string(settings.grace) + " s",
             now_text(),
             std::string(kEnrolAnew) + "; where devices are away for long, set renewal.grace"});
    }
    if (settings.window && now < old.not_after() - *settings.window) {
        return refuse_renewal(
            "RenewalTooEarly",
            {who + ": now", "from " + certs::utc_text(old.not_after() - *settings.window),
             now_text(), "let the device renew later, or widen renewal.window"});
    }
    if (settings.newest_only && known->superseded) {
        return refuse_renewal("RenewalSuperseded",
                              who + " was renewed before (renewal.newest_only)", kEnrolAnew);
    }
    if (!settings.same_key && equal(request.csr.public_key().spki(), old.spki())) {
        return refuse_renewal("RenewalSameKey", "the CSR has the old key again (renewal.same_key)",
                              "have the client make a new key for each certificate");
    }
    return std::nullopt;
}

/// Nothing new: who asks gets what they had, or less of it.
RenewalRefused judge_identity(const Identity& old, const EnrollmentRequest& request) {
    const certs::RequestedExtensions& asked = request.csr.requested();
    if (!matches(old.subject, request.csr.subject())) {
        return refuse_renewal("RenewalSubjectMismatch", {"subject", old.subject.text(),
                                                         request.csr.subject().text(), kEnrolAnew});
    }
    const auto change = certs::difference(old.subject_alt_name, asked.subject_alt_name);
    if (!change.extra.empty()) {
        return refuse_renewal("RenewalSubjectAltNameMismatch",
                              {"subjectAltName", certs::to_text(old.subject_alt_name),
                               certs::to_text(asked.subject_alt_name),
                               "not in the certificate: " + certs::to_text(change.extra)});
    }
    if (asked.sid && asked.sid != old.sid) {
        return refuse_renewal("RenewalSidMismatch",
                              {"SID", old.sid.value_or("none"), *asked.sid, kEnrolAnew});
    }
    return std::nullopt;
}

RenewalRefused judge_usages(const Identity& old, const EnrollmentRequest& request,
                            const RenewedCertificate& known, const RenewalTemplate& tmpl) {
    const bool same = tmpl.name == known.template_name;
    const auto copied = certs::purpose_of(old.key_usage);
    const bool fits =
        (same && tmpl.purpose == request.purpose) || (copied && *copied == request.purpose);
    if (!fits) {
        std::string expected =
            "that of key usage " + (old.key_usage ? old.key_usage->text() : "none");
        if (same) expected += ", or " + std::string(certs::to_text(tmpl.purpose));
        return refuse_renewal("RenewalKeyUsageMismatch",
                              {"purpose", expected + " (template " + known.template_name + ")",
                               std::string(certs::to_text(request.purpose)), kEnrolAnew});
    }
    const auto& asked = request.csr.requested().extended_key_usage;
    const certs::ExtendedKeyUsage had = old.extended_key_usage.value_or(certs::ExtendedKeyUsage{});
    if (asked && !certs::same_usages(*asked, had)) {
        return refuse_renewal(
            "RenewalExtendedKeyUsageMismatch",
            {"extended key usage", certs::to_text(had), certs::to_text(*asked), kEnrolAnew});
    }
    return std::nullopt;
}

/// Whoever limited the old one's validity limits the new one's; the end of the old one's CA does
/// not.
std::optional<std::int64_t> validity_limit(const certs::Certificate& old,
                                           const RenewedCertificate& known) {
    const std::int64_t had = old.not_after() - known.issued_at;
    if (known.cut_short || had <= 0) return known.max_validity;
    return had;
}

/// Those of the old certificate's names that are asked for, as it has them: who asks chooses
/// neither spelling nor order, by which names are told apart and templates make subjects. So the
/// first of a type stays with the others of it.
certs::GeneralNames kept_names(const certs::GeneralNames& old, const certs::GeneralNames& asked) {
    const certs::GeneralNames left_out = certs::difference(old, asked).missing;
    certs::GeneralNames rest = left_out;
    certs::GeneralNames kept;
    for (const certs::GeneralName& name : old) {
        const auto omitted = std::find(rest.begin(), rest.end(), name);
        const auto of_type = [&name](const certs::GeneralNames& names) {
            return std::count_if(names.begin(), names.end(),
                                 [&name](const auto& one) { return one.type == name.type; });
        };
        const bool others_stay = of_type(old) > of_type(left_out);
        if (omitted == rest.end() || (others_stay && of_type(kept) == 0)) kept.push_back(name);
        if (omitted != rest.end()) rest.erase(omitted);
    }
    return kept;
}

}  // namespace

Result<Grant, Refusal> judge_renewal(const RenewalSettings& settings,
                                     const EnrollmentRequest& request,
                                     const std::optional<RenewedCertificate>& known,
                                     const RenewalTemplate& tmpl, std::int64_t now) {
    if (auto refusal = judge_standing(settings, request, known, now)) return std::move(*refusal);
    auto old = read_identity(request.signer);
    if (!old) return refuse_renewal("RenewalSignerUnreadable", old.error().detail, kEnrolAnew);
    if (auto refusal = judge_identity(*old, request)) return std::move(*refusal);
    if (auto refusal = judge_usages(*old, request, *known, tmpl)) return std::move(*refusal);

    certs::GeneralNames names = std::move(old->subject_alt_name);
    const certs::GeneralNames& asked = request.csr.requested().subject_alt_name;
    // Otherwise the new certificate would be for others than the old one, and not be superseded
    // with it.
    if (!asked.empty() && !settings.newest_only) names = kept_names(names, asked);
    if (old->subject.empty() && names.empty()) {
        return refuse_renewal("RenewalSignerUnreadable", "the certificate has no name", kEnrolAnew);
    }
    GrantMaker maker(request, std::string(kRenewalPolicy));
    maker.names(std::move(old->subject), std::move(names))
        .key_usage(old->key_usage)
        .extended_key_usage(std::move(old->extended_key_usage))
        .max_validity(validity_limit(request.signer, *known))
        .sid(std::move(old->sid))
        .identities(known->device_id, known->user_id);
    maker.purpose(tmpl.purpose);
    if (!tmpl.name.empty()) maker.template_name(tmpl.name);
    return std::move(maker).make();
}

Result<Grant, Refusal> bound_renewal(const RenewalSettings& settings, Grant granted,
                                     const Grant& by_rule) {
    granted = GrantMaker::with_template(std::move(granted), by_rule);
    if (!settings.newest_only) return granted;
    constexpr const char* kHint =
        "with renewal.newest_only the policy has to grant the certificate's own names; for others "
        "the device has to enrol anew";
    if (!matches(by_rule.subject(), granted.subject())) {
        return refuse_renewal("RenewalSubjectMismatch", {"subject", by_rule.subject().text(),
                                                         granted.subject().text(), kHint});
    }
    if (!certs::difference(by_rule.subject_alt_name(), granted.subject_alt_name()).none()) {
        return refuse_renewal("RenewalSubjectAltNameMismatch",
                              {"subjectAltName", certs::to_text(by_rule.subject_alt_name()),
                               certs::to_text(granted.subject_alt_name()), kHint});
    }
    return GrantMaker::with_names(std::move(granted), by_rule);
}

std::optional<Redemption> redemption_of_renewal(const RenewalSettings& settings,
                                                const certs::Certificate& renewed) {
    if (!settings.newest_only) return std::nullopt;
    return Redemption{std::string(kRenewalPolicy), to_bytes(renewed.fingerprint()),
                      renewed.not_after() + settings.grace};
}

}  // namespace scepgate::policy
