#include "server/guarded_policy.hpp"

#include "server/reasons.hpp"
#include "server/time_limit.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using policy::PolicyModule;
using policy::TransactionOutcome;

namespace {

using Decision = Result<Grant, Refusal>;

/// One of the calls that may be going on.
class Place {
public:
    Place(std::shared_ptr<std::atomic<std::size_t>> calls, std::size_t most)
        : calls_(std::move(calls)) {
        if (calls_->fetch_add(1) < most) return;
        calls_->fetch_sub(1);
        calls_ = nullptr;
    }
    ~Place() {
        if (calls_) calls_->fetch_sub(1);
    }
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    /// False: there was none left.
    explicit operator bool() const noexcept { return calls_ != nullptr; }

private:
    std::shared_ptr<std::atomic<std::size_t>> calls_;
};

// These own what the module is given by reference, and their place: it may still go on after we
// gave up on it.

asio::awaitable<Decision> verify(std::shared_ptr<PolicyModule> module, EnrollmentRequest request,
                                 [[maybe_unused]] Place place) {
    co_return co_await module->verify_request(request);
}

asio::awaitable<policy::Explanation> explain_request(std::shared_ptr<PolicyModule> module,
                                                     EnrollmentRequest request,
                                                     policy::Reach reach) {
    co_return co_await module->explain(request, reach);
}

asio::awaitable<Result<policy::Challenge>> generate(std::shared_ptr<PolicyModule> module,
                                                    policy::ChallengeParameters parameters,
                                                    [[maybe_unused]] Place place) {
    co_return co_await module->generate_challenge(parameters);
}

asio::awaitable<Result<void>> notify_module(std::shared_ptr<PolicyModule> module,
                                            EnrollmentRequest request, TransactionOutcome outcome,
                                            [[maybe_unused]] Place place) {
    outcome.request = &request;
    co_return co_await module->notify(outcome);
}

std::string what_was_thrown(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "something that is no std::exception";
    }
}

std::string too_long(const std::string& name, std::chrono::milliseconds limit) {
    return "policy '" + name + "' took longer than " + std::to_string(limit.count()) +
           " ms (policies." + name + ".timeout)";
}

std::string failed(const std::string& name, const std::exception_ptr& thrown) {
    return "policy '" + name + "' failed: " + what_was_thrown(thrown);
}

std::string busy(const std::string& name, std::size_t calls) {
    return "policy '" + name + "' is busy with " + std::to_string(calls) +
           " requests already (policies." + name + ".max_calls)";
}

Refusal policy_failed(const std::string& name, const std::exception_ptr& thrown) {
    return refused(reason::kPolicyFailed, failed(name, thrown));
}

}  // namespace

GuardedPolicy::GuardedPolicy(std::shared_ptr<PolicyModule> module, PolicyLimits limits)
    : module_(std::move(module)),
      limits_(limits),
      calls_(std::make_shared<std::atomic<std::size_t>>(0)) {}

asio::awaitable<Decision> GuardedPolicy::verify_request(const EnrollmentRequest& request) {
    if (!may_wait()) {
        try {
            co_return co_await module_->verify_request(request);
        } catch (...) {
            co_return policy_failed(name(), std::current_exception());
        }
    }
    Place place(calls_, limits_.calls);
    if (!place) {
        co_return refused(reason::kPolicyBusy, busy(name(), limits_.calls));
    }
    auto call = verify(module_, request, std::move(place));
    auto outcome = co_await within(limits_.time, std::move(call));
    if (outcome.value) co_return std::move(*outcome.value);
    if (outcome.thrown) co_return policy_failed(name(), outcome.thrown);
    co_return refused(reason::kPolicyTimeout, too_long(name(), limits_.time));
}

asio::awaitable<policy::Explanation> GuardedPolicy::explain(const EnrollmentRequest& request,
                                                            policy::Reach reach) {
    auto call = explain_request(module_, request, reach);
    auto ended = co_await within(limits_.time, std::move(call));
    if (ended.value) co_return std::move(*ended.value);
    Refusal refusal = ended.thrown
                          ? policy_failed(name(), ended.thrown)
                          : refused(reason::kPolicyTimeout, too_long(name(), limits_.time));
    policy::Explanation explanation{{policy::failed(name(), "request", refusal)}, {}};
    explanation.outcome = std::move(refusal);
    co_return explanation;
}

asio::awaitable<Result<policy::Challenge>> GuardedPolicy::generate_challenge(
    const policy::ChallengeParameters& parameters) {
    Place place(calls_, limits_.calls);
    if (!place) co_return Error{Errc::kUnavailable, busy(name(), limits_.calls)};
    auto call = generate(module_, parameters, std::move(place));
    auto ended = co_await within(limits_.time, std::move(call));
    if (ended.value) co_return std::move(*ended.value);
    if (ended.thrown) co_return Error{Errc::kUnavailable, failed(name(), ended.thrown)};
    co_return Error{Errc::kUnavailable, too_long(name(), limits_.time)};
}

asio::awaitable<Result<void>> GuardedPolicy::notify(const TransactionOutcome& outcome) {
    Place place(calls_, limits_.calls);
    if (!place) co_return Error{Errc::kUnavailable, busy(name(), limits_.calls)};
    auto call = notify_module(module_, *outcome.request, outcome, std::move(place));
    auto ended = co_await within(limits_.time, std::move(call));
    if (ended.value) co_return std::move(*ended.value);
    if (ended.thrown) co_return Error{Errc::kUnavailable, failed(name(), ended.thrown)};
    co_return Error{Errc::kUnavailable, too_long(name(), limits_.time)};
}

}  // namespace scepgate::server
