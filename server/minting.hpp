// Making challenges for others: policy makes one, the store counts it, the audit file names it, and
// only then does it leave.
#pragma once

#include <variant>

#include "policy/issuance_rules.hpp"
#include "policy/policy_module.hpp"
#include "server/operation.hpp"

namespace scepgate::server {

/// How many challenges one caller may have made, and for what; 0, empty: no limit.
struct MintingLimits {
    std::size_t per_day = 0;               ///< in any 24 hours, whatever became of them
    std::size_t outstanding = 0;           ///< neither used nor expired
    std::vector<std::string> templates{};  ///< one of them has to be named
    /// Names have to be given, and to keep these.
    std::shared_ptr<const policy::IssuanceRules> rules{};
};

/// Who asks, for the records.
struct MintingCaller {
    std::string name;            ///< a caller of the admin listener, or an operator
    std::string client_address;  ///< empty: at the command line
    MintingLimits limits;
};

/// Why there is no challenge; `text` is for the caller and the records.
struct MintingRefusal {
    enum class Kind {
        kUnsupported,   ///< the policy makes none
        kNotAllowed,    ///< not with these parameters
        kCacheFull,     ///< as many are outstanding as the policy allows (PasswordMax)
        kQuotaReached,  ///< as many as the caller may have
        kUnavailable,   ///< the store or the audit file
    };
    Kind kind = Kind::kUnavailable;
    std::string text;
};

class Minting {
public:
    explicit Minting(const ServiceParts& parts) : parts_(parts) {}

    /// Audited as "challenge", or "no_challenge" with why. What cannot be recorded or audited is
    /// not handed out. Recorded is what is good only then, and what has a limit.
    boost::asio::awaitable<std::variant<policy::Challenge, MintingRefusal>> mint(
        policy::PolicyModule& module, policy::ChallengeParameters parameters,
        MintingCaller caller) const;

private:
    boost::asio::awaitable<std::variant<policy::Challenge, MintingRefusal>> make(
        policy::PolicyModule& module, const policy::ChallengeParameters& parameters,
        const MintingCaller& caller) const;
    /// A value: it may not be.
    boost::asio::awaitable<std::optional<MintingRefusal>> record(policy::PolicyModule& module,
                                                                 const policy::Challenge& challenge,
                                                                 const MintingCaller& caller) const;

    const ServiceParts& parts_;
};

}  // namespace scepgate::server
