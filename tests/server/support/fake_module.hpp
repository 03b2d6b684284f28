// A policy module that does what a test wants of it.
#pragma once

#include <functional>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "policy/grant_maker.hpp"
#include "policy/policy_module.hpp"

namespace scepgate::server::testing {

class FakeModule final : public policy::PolicyModule {
public:
    /// kRefuse: of a notification, it could not be heard; kDeny: it is not accepted.
    enum class Behaviour {
        kGrant,
        kGrantAfterApproval,
        kRefuse,
        kDeny,
        kThrow,
        kThrowNoException,
        kHang
    };

    Behaviour verifies = Behaviour::kGrant;
    Behaviour notifies = Behaviour::kGrant;
    bool hears = true;
    bool challenge_valid = false;  ///< of what it refuses
    std::optional<Redemption> redemption;
    std::optional<std::int64_t> max_validity;
    std::optional<std::string> template_name;
    std::shared_ptr<const policy::SignerLimits> signer_limits;
    std::function<void()> meanwhile;  ///< while it verifies
    std::function<void()> when_told;  ///< while it is notified
    int verified = 0;
    int told = 0;                      ///< outcomes, whatever it said to them
    int cancelled = 0;                 ///< hanging calls that were told to end
    std::vector<std::string> issued;   ///< serials that it heard of
    std::vector<std::string> refused;  ///< and refusals' codes
    std::string granted_by;            ///< as the last outcome said

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] bool hears_outcomes() const noexcept override { return hears; }

    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override {
        ++verified;
        co_await behave(verifies);
        if (meanwhile) meanwhile();
        if (verifies == Behaviour::kRefuse) {
            Refusal refusal{FailInfo::kBadRequest, "FakeRefusal", "as the test wants"};
            refusal.challenge_valid = challenge_valid;
            co_return refusal;
        }
        policy::GrantMaker maker(request, name_);
        maker.names(request.csr.subject(), request.csr.requested().subject_alt_name)
            .max_validity(max_validity)
            .template_name(template_name)
            .identities("device-7", "user-7")
            .signer_limits(signer_limits)
            .needs_approval(verifies == Behaviour::kGrantAfterApproval);
        if (redemption) maker.redemption(*redemption);
        co_return std::move(maker).make();
    }

    boost::asio::awaitable<Result<void>> notify(
        const policy::TransactionOutcome& outcome) override {
        ++told;
        co_await behave(notifies);
        if (when_told) when_told();
        if (notifies == Behaviour::kRefuse) {
            co_return Error{Errc::kUnavailable, "nobody listens"};
        }
        if (notifies == Behaviour::kDeny) co_return Error{Errc::kDenied, "not wanted any more"};
        granted_by = outcome.granted_by;
        if (outcome.issued) issued.push_back(outcome.issued->serial_hex());
        if (outcome.refused) refused.push_back(outcome.refused->code);
        co_return Result<void>();
    }

private:
    boost::asio::awaitable<void> behave(Behaviour behaviour) {
        if (behaviour == Behaviour::kThrow) throw std::runtime_error("out of order");
        if (behaviour == Behaviour::kThrowNoException) throw 42;  // NOLINT: modules may
        if (behaviour != Behaviour::kHang) co_return;
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        timer.expires_at(boost::asio::steady_timer::time_point::max());
        try {
            co_await timer.async_wait(boost::asio::use_awaitable);
        } catch (const boost::system::system_error&) {
            ++cancelled;
            throw;
        }
    }

    std::string name_ = "fake";
};

}  // namespace scepgate::server::testing
