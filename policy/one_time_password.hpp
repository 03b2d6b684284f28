// NDES's enrolment challenge passwords: made on demand, each good for one certificate.
#pragma once

#include <memory>

#include "certs/clock.hpp"
#include "certs/secret.hpp"
#include "policy/challenge_claims.hpp"
#include "policy/failed_matches.hpp"
#include "policy/password_lookup.hpp"
#include "policy/policy_module.hpp"

namespace scepgate::policy {

struct OneTimePasswordSettings {
    std::string name;              ///< of the policy in the configuration
    std::size_t length = 8;        ///< octets, each two hexadecimal digits (PasswordLength)
    std::size_t maximum = 5;       ///< outstanding at one time (PasswordMax)
    std::int64_t validity = 3600;  ///< seconds (PasswordValidity)
    Secret hash_key;               ///< empty: the recorded hashes are no HMACs
};

/// Under which the store has the passwords of this policy.
[[nodiscard]] std::string password_scope(std::string_view policy);

/// The store has no password, only its hash, with what the password is bound to. A password that
/// names are given for is good for exactly these names, as a challenge blob is; one without grants
/// the names that the CSR asks for. Key usage, extended key usage, template and validity are bound
/// where they are given, and the template's else. One that endpoints are given for is good at these
/// alone; elsewhere it is badMessageCheck with the code "EndpointMismatch".
///
/// A password that is missing, unknown, expired or withdrawn is badMessageCheck with the code
/// "ChallengePasswordMissing", "ChallengeUnknown", "ChallengeExpired", "ChallengeWithdrawn"; who
/// redeems finds out whether it was used.
class OneTimePasswordModule final : public PolicyModule {
public:
    OneTimePasswordModule(OneTimePasswordSettings settings, std::shared_ptr<PasswordLookup> lookup,
                          std::shared_ptr<const certs::Clock> clock);

    [[nodiscard]] const std::string& name() const noexcept override { return settings_.name; }
    [[nodiscard]] bool may_wait() const noexcept override { return false; }
    [[nodiscard]] std::vector<std::string> challenge_scopes() const override { return {scope_}; }
    [[nodiscard]] bool uses_up_challenges() const noexcept override { return true; }
    /// Good only when it is recorded (Challenge::recorded_claims). Its life is at most
    /// PasswordValidity.
    boost::asio::awaitable<Result<Challenge>> generate_challenge(
        const ChallengeParameters& parameters) override;
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;
    boost::asio::awaitable<Explanation> explain(const EnrollmentRequest& request,
                                                Reach reach) override;

private:
    [[nodiscard]] Bytes token_of(std::string_view password) const;
    struct Found {
        ChallengeClaims bindings;
        std::int64_t expires = 0;
    };
    [[nodiscard]] Result<Found, Refusal> find(ByteView token, std::int64_t now) const;
    [[nodiscard]] Grant grant(const EnrollmentRequest& request, const Found& found,
                              Bytes token) const;

    OneTimePasswordSettings settings_;
    std::string scope_;
    std::shared_ptr<PasswordLookup> lookup_;
    std::shared_ptr<const certs::Clock> clock_;
    FailedMatches failed_matches_;
};

}  // namespace scepgate::policy
