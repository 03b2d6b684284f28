// What a webhook answers (docs/webhook.md).
#pragma once

#include "policy/challenge_claims.hpp"

namespace scepgate::policy {

inline constexpr std::size_t kMaxWebhookAnswer = 64 * 1024;

/// A decision, and what it allows. What is absent is as the CSR asks (names) or as the template
/// says.
struct WebhookAnswer {
    bool allow = false;
    std::string reason;
    /// The names, exactly; absent: those of the CSR.
    struct Names {
        certs::Name subject;
        certs::GeneralNames subject_alt_name;
    };
    std::optional<Names> names;
    std::optional<certs::KeyUsage> key_usage;
    std::optional<certs::ExtendedKeyUsage> extended_key_usage;
    std::optional<std::string> template_name;
    std::optional<std::int64_t> max_validity;  ///< seconds
    std::string device_id;
    std::string user_id;
    std::optional<std::string> sid;
    bool approval = false;            ///< an operator has to agree, too
    std::optional<std::string> once;  ///< to be used up with the certificate
};

/// kMalformed: over kMaxWebhookAnswer, not strict JSON, not an object, a member that is not known,
/// a wrong type or value; another decision than "allow" and "deny"; with "deny" any member but
/// "reason"; "san" without "subject"; an account SID in "san" that is not "sid".
[[nodiscard]] Result<WebhookAnswer> parse_webhook_answer(std::string_view json);

}  // namespace scepgate::policy
