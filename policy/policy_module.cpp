#include "policy/policy_module.hpp"

namespace scepgate::policy {

boost::asio::awaitable<Result<Challenge>> PolicyModule::generate_challenge(
    const ChallengeParameters&) {
    co_return unsupported("policy '" + name() + "' does not make challenges");
}

boost::asio::awaitable<Result<void>> PolicyModule::notify(const TransactionOutcome&) {
    co_return Result<void>{};
}

}  // namespace scepgate::policy
