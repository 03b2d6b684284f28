// A fence around every policy module: what it does wrong ends as a refusal with a record.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "policy/policy_module.hpp"

namespace scepgate::server {

/// How long one call of a module may take, and how many may be going on at once.
struct PolicyLimits {
    std::chrono::milliseconds time{15'000};
    std::size_t calls = 100;
};

/// Calls a module under limits and catches what it throws (attacks.md C15).
///
/// generate_challenge(), notify(): kUnavailable. verify_request(), explain(): refused with
/// "PolicyTimeout", "PolicyFailed" or "PolicyBusy", all temporary: nothing was decided about the
/// request, so the device may ask again.
///
/// With as many calls going on as may, another one fails at once: while a service is slow, its
/// devices do not take all the places that requests of other endpoints need, too.
///
/// A call that takes too long is abandoned, not waited for: it is told so by cancellation, what it
/// was given stays alive until it ends, and what it then returns is dropped. It runs on a strand of
/// its own on the caller's executor. A module that never waits is called in place.
class GuardedPolicy final : public policy::PolicyModule {
public:
    GuardedPolicy(std::shared_ptr<policy::PolicyModule> module, PolicyLimits limits);

    [[nodiscard]] const std::string& name() const noexcept override { return module_->name(); }
    [[nodiscard]] bool may_wait() const noexcept override { return module_->may_wait(); }
    [[nodiscard]] std::vector<std::string> challenge_scopes() const override {
        return module_->challenge_scopes();
    }
    [[nodiscard]] std::optional<certs::Certificate> encryption_certificate() const override {
        return module_->encryption_certificate();
    }
    [[nodiscard]] bool hears_outcomes() const noexcept override {
        return module_->hears_outcomes();
    }
    [[nodiscard]] bool uses_up_challenges() const noexcept override {
        return module_->uses_up_challenges();
    }
    [[nodiscard]] bool is_named(std::string_view part) const override {
        return module_->is_named(part);
    }
    boost::asio::awaitable<policy::Explanation> explain(const EnrollmentRequest& request,
                                                        policy::Reach reach) override;
    boost::asio::awaitable<Result<policy::Challenge>> generate_challenge(
        const policy::ChallengeParameters& parameters) override;
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;
    boost::asio::awaitable<Result<void>> notify(const policy::TransactionOutcome& outcome) override;

private:
    std::shared_ptr<policy::PolicyModule> module_;
    PolicyLimits limits_;
    /// Calls in progress, abandoned ones too; these may outlive this object.
    std::shared_ptr<std::atomic<std::size_t>> calls_;
};

}  // namespace scepgate::server
