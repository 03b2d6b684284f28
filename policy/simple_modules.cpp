#include "policy/simple_modules.hpp"

#include "policy/challenge_parameters.hpp"
#include "policy/grant_maker.hpp"
#include "policy/requested_names.hpp"

namespace scepgate::policy {
namespace {

/// As the CSR asks, within the template: key usage and extended key usage stay the template's.
Result<Grant, Refusal> grant_as_asked(const EnrollmentRequest& request, const std::string& policy) {
    if (auto refusal = judge_requested_names(request.csr)) return std::move(*refusal);
    GrantMaker maker(request, policy);
    maker.names(request.csr.subject(), request.csr.requested().subject_alt_name);
    return std::move(maker).make();
}

}  // namespace

StaticPasswordModule::StaticPasswordModule(std::string name, Secret password, Told told)
    : name_(std::move(name)), password_(std::move(password)), told_(told) {}

boost::asio::awaitable<Result<Challenge>> StaticPasswordModule::generate_challenge(
    const ChallengeParameters& parameters) {
    if (told_ == Told::kToNobody) co_return co_await PolicyModule::generate_challenge(parameters);
    const auto bound = claims_of(parameters);
    if (!bound) co_return bound.error();
    if (parameters.lifetime || encode_bindings(*bound) != "{}") {
        co_return Error{Errc::kDenied, "the single password of policy '" + name_ +
                                           "' never expires, and cannot be bound to anything "
                                           "(UseSinglePassword)"};
    }
    Challenge challenge;
    challenge.text = password_.clone();
    co_return challenge;
}

boost::asio::awaitable<Result<Grant, Refusal>> StaticPasswordModule::verify_request(
    const EnrollmentRequest& request) {
    const std::optional<Secret>& challenge = request.csr.challenge();
    // On the wire the same, and the same as a challenge blob that is missing or wrong.
    if (!challenge) {
        co_return refused({FailInfo::kBadMessageCheck, "ChallengePasswordMissing",
                           "challengePassword", "set the password in the client"},
                          "a password", "none");
    }
    if (!password_.equals(challenge->view())) {
        co_return refused({FailInfo::kBadMessageCheck, "ChallengeMismatch", "challengePassword",
                           "correct the password in the client's profile; if it is right there, "
                           "somebody is guessing"},
                          "the challengePassword is not the configured one");
    }
    auto grant = grant_as_asked(request, name_);
    if (!grant) co_return with_valid_challenge(grant.error());
    co_return grant;
}

OpenModule::OpenModule(std::string name) : name_(std::move(name)) {}

boost::asio::awaitable<Result<Grant, Refusal>> OpenModule::verify_request(
    const EnrollmentRequest& request) {
    co_return grant_as_asked(request, name_);
}

}  // namespace scepgate::policy
