#include "policy/policy_module.hpp"

namespace scepgate::policy {

Result<Secret> PolicyModule::generate_challenge(const ChallengeParameters&) {
    return unsupported("policy '" + name() + "' does not make challenges");
}

boost::asio::awaitable<Result<void>> PolicyModule::notify(const TransactionOutcome&) {
    co_return Result<void>{};
}

}  // namespace scepgate::policy
