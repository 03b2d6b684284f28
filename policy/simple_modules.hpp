// The two modules that know nothing of the device: one shared password, and none at all.
#pragma once

#include "policy/policy_module.hpp"

namespace scepgate::policy {

/// NDES's UseSinglePassword: whoever knows the password gets what the CSR asks for, within the
/// template. The names are checked for their bounds, nothing else.
class StaticPasswordModule final : public PolicyModule {
public:
    enum class Told {
        kToNobody,      ///< who needs it has it
        kToWhoeverAsks  ///< for a challenge, as NDES's page shows it; each time, and unbound
    };

    StaticPasswordModule(std::string name, Secret password, Told told = Told::kToNobody);
    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] bool may_wait() const noexcept override { return false; }
    boost::asio::awaitable<Result<Challenge>> generate_challenge(
        const ChallengeParameters& parameters) override;
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;

private:
    std::string name_;
    Secret password_;
    Told told_;
};

/// No policy: everybody gets what the CSR asks for, within the template. Has to be spelled out in
/// the configuration and is warned about at start.
class OpenModule final : public PolicyModule {
public:
    explicit OpenModule(std::string name);
    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] bool may_wait() const noexcept override { return false; }
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;

private:
    std::string name_;
};

}  // namespace scepgate::policy
