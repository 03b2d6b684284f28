// A service of the organisation's own decides: asked over HTTPS, signed (docs/webhook.md).
#pragma once

#include "certs/clock.hpp"
#include "policy/http_client.hpp"
#include "policy/policy_module.hpp"
#include "policy/webhook_answer.hpp"
#include "policy/webhook_signature.hpp"

namespace scepgate::policy {

struct WebhookSettings {
    std::string name;  ///< the policy's
    std::string url;
    WebhookKeys keys;
    bool send_challenge = false;
    bool require_signed_answer = false;
    std::chrono::milliseconds timeout{10'000};
    std::string once_scope{};  ///< in whose name tickets are used up; empty: the URL's
};

/// Whatever is not an answer of status 200 that says "allow" in the documented form refuses. When
/// there was none, or its status is 408, 429 or 5xx, the device is told to come again
/// ("WebhookUnavailable"); otherwise it is refused for good ("WebhookDenied",
/// "WebhookAnswerInvalid", "SidNotGranted", …).
class WebhookModule final : public PolicyModule {
public:
    WebhookModule(WebhookSettings settings, std::shared_ptr<HttpClient> client,
                  std::shared_ptr<const certs::Clock> clock);

    [[nodiscard]] const std::string& name() const noexcept override { return settings_.name; }
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;
    /// The service's verdict, with Reach::kOnline; a token that it wants used once is not used.
    boost::asio::awaitable<Explanation> explain(const EnrollmentRequest& request,
                                                Reach reach) override;

private:
    [[nodiscard]] Result<WebhookAnswer, Refusal> judge(const HttpAnswer& answer,
                                                       const std::string& id,
                                                       std::int64_t timestamp) const;
    [[nodiscard]] Result<Grant, Refusal> grant(const EnrollmentRequest& request,
                                               WebhookAnswer answer) const;

    const WebhookSettings settings_;
    const std::string scope_;  ///< of what is used once
    const std::shared_ptr<HttpClient> client_;
    const std::shared_ptr<const certs::Clock> clock_;
};

}  // namespace scepgate::policy
