// The plug-in point of policy: who may have which certificate.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "certs/enrollment.hpp"

namespace scepgate::policy {

/// What a new challenge should allow (`scepgate challenge create`, later the admin API).
struct ChallengeParameters {
    certs::Name subject;
    certs::GeneralNames subject_alt_name;
    std::optional<certs::KeyUsage> key_usage;
    certs::ExtendedKeyUsage extended_key_usage;  ///< empty: the template's
    std::int64_t lifetime = 3600;                ///< seconds
    std::optional<std::string> template_name;
    std::optional<std::int64_t> max_validity;  ///< seconds
    std::string device_id;
    std::string user_id;
    std::optional<std::string> sid;
};

/// How a transaction ended, told to the module before the reply is delivered.
struct TransactionOutcome {
    const EnrollmentRequest* request = nullptr;  ///< alive until notify() ends
    std::optional<certs::Certificate> issued;
    std::optional<Refusal> refused;
};

/// One rule about who may have which certificate; NDES's INDESPolicy in C++ (construction and
/// destruction are its Initialize and Uninitialize).
///
/// Calls may overlap: an implementation must be safe to use from many threads. What a call is given
/// by reference stays alive until its coroutine ends. A module that fails, throws or takes too long
/// has refused.
class PolicyModule {
public:
    virtual ~PolicyModule() = default;

    /// The name it has in the configuration; stands in logs, audit records and redemptions.
    [[nodiscard]] virtual const std::string& name() const noexcept = 0;

    /// Makes a challenge to hand to a device, on one line. kUnsupported from a module that cannot.
    virtual Result<Secret> generate_challenge(const ChallengeParameters& parameters);

    /// Decides. Nothing is used up here: the Grant names what to redeem with the issuance.
    virtual boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) = 0;

    /// Hears how it ended. A failure keeps an issued certificate from being delivered.
    virtual boost::asio::awaitable<Result<void>> notify(const TransactionOutcome& outcome);
};

}  // namespace scepgate::policy
