#include "policy/policy_module.hpp"

namespace scepgate::policy {

Verdict failed(std::string module, std::string check, const Refusal& refusal) {
    const bool split = !refusal.expected.empty() || !refusal.found.empty();
    return {std::move(module), std::move(check), Verdict::Outcome::kFailed,
            refusal.code,      refusal.expected, split ? refusal.found : refusal.text,
            refusal.hint};
}

Verdict skipped(std::string module, std::string check, std::string why, std::string hint) {
    return {.module = std::move(module),
            .check = std::move(check),
            .outcome = Verdict::Outcome::kSkipped,
            .found = std::move(why),
            .hint = std::move(hint)};
}

boost::asio::awaitable<Result<Challenge>> PolicyModule::generate_challenge(
    const ChallengeParameters&) {
    co_return unsupported("policy '" + name() + "' does not make challenges");
}

boost::asio::awaitable<Explanation> PolicyModule::explain(const EnrollmentRequest& request,
                                                          Reach reach) {
    Explanation explanation;
    if (may_wait() && reach == Reach::kOffline) {
        explanation.verdicts.push_back(
            skipped(name(), "request", "it asks a service", "to ask it now, add --online"));
        co_return explanation;
    }
    auto outcome = co_await verify_request(request);
    if (outcome) {
        explanation.verdicts.push_back({.module = name(), .check = "request"});
    } else {
        explanation.verdicts.push_back(failed(name(), "request", outcome.error()));
    }
    explanation.outcome = std::move(outcome);
    co_return explanation;
}

boost::asio::awaitable<Result<void>> PolicyModule::notify(const TransactionOutcome&) {
    co_return Result<void>{};
}

}  // namespace scepgate::policy
