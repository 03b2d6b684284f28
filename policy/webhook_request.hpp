// What a webhook is asked (docs/webhook.md).
#pragma once

#include "certs/enrollment.hpp"
#include "certs/secret.hpp"

namespace scepgate::policy {

struct WebhookQuestion {
    std::string id;         ///< 128 random bits, lower-case hex
    std::int64_t time = 0;  ///< seconds since the epoch
    bool send_challenge = false;
};

/// The JSON of the event "verify". Without `send_challenge` the challengePassword is in none of it:
/// the CSR is sent without that attribute, so its signature does not verify any more (it did).
/// kMalformed: the challenge is to be sent, and is no UTF-8.
[[nodiscard]] Result<Secret> encode_webhook_request(const EnrollmentRequest& request,
                                                    const WebhookQuestion& question);

/// The request without its challengePassword; as it is when there is none.
[[nodiscard]] Bytes without_challenge(const certs::Csr& csr);

}  // namespace scepgate::policy
