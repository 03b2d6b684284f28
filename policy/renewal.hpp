// The renewal rule: an existing certificate in place of a challenge (RFC 8894 section 2.3).
#pragma once

#include "certs/enrollment.hpp"

namespace scepgate::policy {

/// Grant::policy() of what was granted for an existing certificate alone.
inline constexpr std::string_view kRenewalPolicy = "renewal";

/// What the challenge in a renewal is good for.
enum class RenewalChallenge {
    kIgnored,            ///< the old certificate is enough; some clients send their used one again
    kRequired,           ///< the endpoint's policy module must grant it too
    kVerifiedIfPresent,  ///< the same when there is one
};

struct RenewalSettings {
    /// Seconds before expiry from which on renewal is possible; empty: any time.
    std::optional<std::int64_t> window;
    std::int64_t grace = 0;  ///< seconds after expiry in which it still is
    bool same_key = true;    ///< the old key may be certified again
    RenewalChallenge challenge = RenewalChallenge::kIgnored;
    /// Only the newest certificate of a subject can be renewed, and only once.
    bool newest_only = false;
};

/// What the store knows of the certificate that signed the request.
struct RenewedCertificate {
    std::string endpoint;  ///< the one that issued it
    std::string template_name, device_id, user_id;
    std::int64_t issued_at = 0;
    bool cut_short = false;  ///< it lasted until its CA's end, whoever would have given it more
    std::optional<std::int64_t> max_validity = {};  ///< seconds: what it was granted, where known
    bool revoked = false;                           ///< or on hold
    bool superseded = false;                        ///< a newer one for the same names was issued
};

/// The template that a renewal is judged by and gets, and the purpose that the endpoint has it for.
struct RenewalTemplate {
    std::string name;  ///< the old certificate's, while the endpoint has that; empty: there is none
    certs::Purpose purpose = certs::Purpose::kGeneralPurpose;
};

/// Judges a renewal (a pure function). That the signer certificate is by name and signature of a CA
/// of this endpoint, that its key signed the message and the new key the CSR, were checked before a
/// request of this kind exists. `known`: empty when the store has no such certificate.
/// `tmpl`: where it is the old certificate's, whoever asks for the key usage of the old one again
/// means it, though that may be another purpose's: an EC certificate lacks keyEncipherment.
///
/// The Grant: subject, usages and SID of the old certificate; its alternative names, spelled and in
/// order as it has them: with newest_only all, else those that the CSR asks for (all when it asks
/// for none); no longer a validity than it had, or was granted; this template, for its purpose.
///
/// Refusals, all badRequest (attacks.md G01-G07), in this order: "RenewalSignerUnknown",
/// "RenewalOtherEndpoint", "RenewalSignerWeakKey", "RenewalSignerRevoked",
/// "RenewalSignerNotYetValid", "RenewalSignerExpired", "RenewalTooEarly", "RenewalSuperseded",
/// "RenewalSameKey", "RenewalSignerUnreadable", "RenewalSubjectMismatch",
/// "RenewalSubjectAltNameMismatch", "RenewalSidMismatch", "RenewalKeyUsageMismatch",
/// "RenewalExtendedKeyUsageMismatch".
[[nodiscard]] Result<Grant, Refusal> judge_renewal(const RenewalSettings& settings,
                                                   const EnrollmentRequest& request,
                                                   const std::optional<RenewedCertificate>& known,
                                                   const RenewalTemplate& tmpl, std::int64_t now);

/// What a policy module granted of a renewal that the rule allowed, as `by_rule` says: for the
/// template that the rule chose, where the module names none. With newest_only it is for the names
/// of the old certificate, as that spells them. Refusals: "RenewalSubjectMismatch",
/// "RenewalSubjectAltNameMismatch" (newest_only: the module granted others).
[[nodiscard]] Result<Grant, Refusal> bound_renewal(const RenewalSettings& settings, Grant granted,
                                                   const Grant& by_rule);

/// What makes a certificate renewable only once, of parallel renewals too; empty where it may be
/// renewed again. Whoever grants the renewal.
[[nodiscard]] std::optional<Redemption> redemption_of_renewal(const RenewalSettings& settings,
                                                              const certs::Certificate& renewed);

}  // namespace scepgate::policy
