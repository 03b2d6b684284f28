// The policies of the configuration as plain structs, one for each type of module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/signer_limits.hpp"
#include "server/config_intune.hpp"
#include "server/config_outbound.hpp"

namespace scepgate::server {

/// "none": everybody gets what the CSR asks for.
struct OpenPolicyConfig {};

struct StaticPasswordConfig {
    SecretSource password;
};

/// A signer of challenges, and what it may grant (policy/signer_limits.hpp).
struct TrustedSignerConfig {
    std::filesystem::path certificate;
    std::optional<policy::SignerLimits> limits;  ///< absent: everything
    /// To be compared: as the configuration has them, without certificate and name.
    std::string limits_json = "{}";
};

struct ChallengeBlobConfig {
    std::vector<KeyPairConfig> decryption;  ///< new challenges are for the first valid one
    std::vector<TrustedSignerConfig> trusted_signers;
    std::string audience;
    std::int64_t clock_skew = 300;               ///< seconds
    std::int64_t maximum_lifetime = 31 * 86400;  ///< seconds
    std::vector<KeyPairConfig> signers;          ///< "signer": the first valid one signs
};

/// "one_time_password": what NDES's registry calls by these names. EnforcePassword 0 is read as
/// "none".
struct OneTimePasswordConfig {
    std::size_t password_length = 8;              ///< PasswordLength: octets
    std::size_t password_max = 5;                 ///< PasswordMax: outstanding at one time
    std::int64_t password_validity = 3600;        ///< PasswordValidity, in seconds
    std::optional<SecretSource> single_password;  ///< UseSinglePassword: this one, for all
    std::optional<SecretSource> hash_key;
};

struct WebhookConfig {
    std::string url;
    std::vector<SecretSource> keys;  ///< one, or two while they change; the newest first
    bool send_challenge = false;
    bool require_signed_answer = false;
    std::string once_scope;  ///< empty: the URL
    OutboundConfig http;
};

struct PolicyConfig {
    using Module = std::variant<OpenPolicyConfig, StaticPasswordConfig, ChallengeBlobConfig,
                                OneTimePasswordConfig, WebhookConfig, IntuneConfig>;

    std::string json_path;
    std::int64_t timeout = 15;    ///< seconds that one call of the module may take
    std::size_t max_calls = 100;  ///< of the module that may be going on at once
    Module module;

    template <class M>
    [[nodiscard]] const M* as() const noexcept {
        return std::get_if<M>(&module);
    }
};

/// Which policies an endpoint asks: one by its name, or several.
struct PolicyRule {
    enum class Kind { kOne, kAnyOf, kAllOf };

    PolicyRule() = default;
    PolicyRule(std::string policy) : name(std::move(policy)) {}
    PolicyRule(const char* policy) : name(policy) {}

    Kind kind = Kind::kOne;
    std::string name;  ///< kOne: of one of 'policies'
    std::vector<PolicyRule> members;
    std::string json_path{};

    /// Calls `see` with each rule that names a policy.
    template <class See>
    void each(const See& see) const {
        if (kind == Kind::kOne) see(*this);
        for (const PolicyRule& member : members)
            member.each(see);
    }
};

}  // namespace scepgate::server
