#include "server/guarded_policy.hpp"

#include "server/time_limit.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using policy::PolicyModule;
using policy::TransactionOutcome;

namespace {

using Verdict = Result<Grant, Refusal>;

// These own what the module is given by reference: it may still use that after we gave up on it.

asio::awaitable<Verdict> verify(std::shared_ptr<PolicyModule> module, EnrollmentRequest request) {
    co_return co_await module->verify_request(request);
}

asio::awaitable<policy::Explanation> explain_request(std::shared_ptr<PolicyModule> module,
                                                     EnrollmentRequest request,
                                                     policy::Reach reach) {
    co_return co_await module->explain(request, reach);
}

asio::awaitable<Result<policy::Challenge>> generate(std::shared_ptr<PolicyModule> module,
                                                    policy::ChallengeParameters parameters) {
    co_return co_await module->generate_challenge(parameters);
}

asio::awaitable<Result<void>> notify_module(std::shared_ptr<PolicyModule> module,
                                            EnrollmentRequest request, TransactionOutcome outcome) {
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

Refusal policy_failed(const std::string& name, const std::exception_ptr& thrown) {
    return {FailInfo::kBadRequest, "PolicyFailed", failed(name, thrown), true};
}

}  // namespace

GuardedPolicy::GuardedPolicy(std::shared_ptr<PolicyModule> module, std::chrono::milliseconds limit)
    : module_(std::move(module)), limit_(limit) {}

asio::awaitable<Verdict> GuardedPolicy::verify_request(const EnrollmentRequest& request) {
    if (!may_wait()) {
        try {
            co_return co_await module_->verify_request(request);
        } catch (...) {
            co_return policy_failed(name(), std::current_exception());
        }
    }
    auto call = verify(module_, request);
    auto outcome = co_await within(limit_, std::move(call));
    if (outcome.value) co_return std::move(*outcome.value);
    if (outcome.thrown) co_return policy_failed(name(), outcome.thrown);
    co_return Refusal{FailInfo::kBadRequest, "PolicyTimeout", too_long(name(), limit_), true};
}

asio::awaitable<policy::Explanation> GuardedPolicy::explain(const EnrollmentRequest& request,
                                                            policy::Reach reach) {
    auto call = explain_request(module_, request, reach);
    auto ended = co_await within(limit_, std::move(call));
    if (ended.value) co_return std::move(*ended.value);
    Refusal refusal{FailInfo::kBadRequest, "PolicyTimeout", too_long(name(), limit_), true};
    if (ended.thrown) refusal = policy_failed(name(), ended.thrown);
    policy::Explanation explanation{{policy::failed(name(), "request", refusal)}, {}};
    explanation.outcome = std::move(refusal);
    co_return explanation;
}

asio::awaitable<Result<policy::Challenge>> GuardedPolicy::generate_challenge(
    const policy::ChallengeParameters& parameters) {
    auto call = generate(module_, parameters);
    auto ended = co_await within(limit_, std::move(call));
    if (ended.value) co_return std::move(*ended.value);
    if (ended.thrown) co_return Error{Errc::kUnavailable, failed(name(), ended.thrown)};
    co_return Error{Errc::kUnavailable, too_long(name(), limit_)};
}

asio::awaitable<Result<void>> GuardedPolicy::notify(const TransactionOutcome& outcome) {
    auto call = notify_module(module_, *outcome.request, outcome);
    auto ended = co_await within(limit_, std::move(call));
    if (ended.value) co_return std::move(*ended.value);
    if (ended.thrown) co_return Error{Errc::kUnavailable, failed(name(), ended.thrown)};
    co_return Error{Errc::kUnavailable, too_long(name(), limit_)};
}

}  // namespace scepgate::server
