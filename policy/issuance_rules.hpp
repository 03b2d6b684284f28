// What may be certified at all, whatever a policy module has granted (docs/policy-rules.md).
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "certs/blocked_keys.hpp"
#include "certs/general_name.hpp"
#include "certs/name.hpp"
#include "certs/public_key.hpp"
#include "certs/refusal.hpp"
#include "policy/name_ranges.hpp"
#include "policy/pattern.hpp"

namespace scepgate::policy {

/// A rule that is empty (nullopt) restricts nothing; an empty list allows nothing.
struct IssuanceRules {
    static constexpr std::size_t kNameTypes = 5;  ///< as many as certs::GeneralNameType has

    struct AttributePatterns {
        Bytes type;  ///< OID content octets
        Patterns patterns;
    };
    struct Subject {
        std::optional<std::vector<Bytes>> allowed;  ///< OID content octets
        std::vector<Bytes> required;
        /// Each value of the type has to match one of its patterns.
        std::vector<AttributePatterns> patterns;
    };
    struct AlternativeNames {
        std::optional<std::vector<certs::GeneralNameType>> allowed;
        std::vector<certs::GeneralNameType> required;
        std::array<std::optional<Patterns>, kNameTypes> patterns;  ///< by certs::GeneralNameType
    };
    struct Keys {
        std::optional<std::vector<std::string>> allowed;  ///< "rsa", "ec:p256", …
        std::optional<int> minimum_rsa_bits, maximum_rsa_bits;
        std::vector<std::filesystem::path> blocked_files;   ///< lists of keys that others have
        std::shared_ptr<const certs::BlockedKeys> blocked;  ///< what is in them; null: nothing
    };
    /// An account's SID, as an extension or as Microsoft's tag URI: whoever chooses it becomes that
    /// account.
    struct Sid {
        bool allowed = false;
        std::optional<Patterns> patterns;
    };

    std::string where;  ///< their JSON path, for messages
    Subject subject;
    AlternativeNames alternative_names;
    std::optional<std::vector<DomainRange>> dns_suffixes;
    bool dns_wildcards = false;
    std::optional<std::vector<DomainRange>> upn_domains;
    std::optional<std::vector<DomainRange>> email_domains;  ///< also of the subject's emailAddress
    std::optional<std::vector<UriRange>> uri_prefixes;
    std::optional<std::vector<IpRange>> ip_ranges;
    Keys keys;
    Sid sid;
};

/// What is about to be certified. The names are alive as long as this.
struct Ruled {
    const certs::Name& subject;
    const certs::GeneralNames& subject_alt_name;
    const std::optional<std::string>& sid;
    const certs::PublicKey* key = nullptr;  ///< null: not known yet, and not judged
};

/// What became of one rule.
struct RuleVerdict {
    std::string rule;                ///< its key in the configuration: "san.allowed"
    std::string found;               ///< what it was judged on
    std::optional<Refusal> refusal;  ///< empty: kept
};

/// The first rule that is broken; all are badRequest: "RuleSubjectAttribute",
/// "RuleSubjectRequired", "RuleSubjectPattern", "RuleNameType", "RuleNameRequired", "RuleDnsName",
/// "RuleUpn", "RuleEmail", "RuleUri", "RuleIpAddress", "RuleSid", "RuleKeyType", "RuleKeySize",
/// "RuleKeyBlocked".
[[nodiscard]] std::optional<Refusal> judge_rules(const IssuanceRules& rules, const Ruled& ruled);

/// Every rule that is set, in the same order.
[[nodiscard]] std::vector<RuleVerdict> explain_rules(const IssuanceRules& rules,
                                                     const Ruled& ruled);

}  // namespace scepgate::policy
