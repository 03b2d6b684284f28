// Microsoft Intune decides: its validation API for third-party CAs (docs/intune.md).
#pragma once

#include "policy/intune/api.hpp"
#include "policy/policy_module.hpp"

namespace scepgate::policy {

/// Intune made the challenge and is the only one who can read it: it compares the CSR with the
/// profile, and what it says is granted as the CSR has it. It is told of every certificate before
/// that is released, and of every request that failed after it had agreed.
class IntuneModule final : public PolicyModule {
public:
    explicit IntuneModule(std::shared_ptr<intune::Api> api);

    [[nodiscard]] const std::string& name() const noexcept override {
        return api_->settings().name;
    }
    [[nodiscard]] bool hears_outcomes() const noexcept override { return true; }

    /// Refused: with Intune's code; "IntuneUnavailable" (temporary) when it did not decide.
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;

    /// The names and, with Reach::kOnline, Intune's verdict; nothing is notified. What is in its
    /// challenges only Intune can read.
    boost::asio::awaitable<Explanation> explain(const EnrollmentRequest& request,
                                                Reach reach) override;

    /// Only of what this module granted. kDenied: Intune will not have the certificate.
    boost::asio::awaitable<Result<void>> notify(const TransactionOutcome& outcome) override;

private:
    boost::asio::awaitable<Result<std::string>> ask(const char* action, Secret body);

    std::shared_ptr<intune::Api> api_;
};

}  // namespace scepgate::policy
