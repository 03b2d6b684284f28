#include "policy/issuance_rules.hpp"

#include <algorithm>

#include "certs/asn1_string.hpp"
#include "certs/excerpt.hpp"
#include "certs/name_types.hpp"
#include "certs/oids.hpp"
#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

using certs::GeneralName;
using certs::GeneralNameType;

constexpr std::size_t kShown = 300;  ///< octets of a list or value in a message

std::string shown(std::string text) {
    return excerpt(std::move(text), kShown);
}

void add(std::string& list, std::string_view entry) {
    list += (list.empty() ? "" : ", ") + std::string(entry);
}

std::string type_name(ByteView type) {
    const certs::NameType* known = certs::find_name_type(type);
    return known != nullptr ? std::string(known->name) : certs::oid_to_text(type);
}

template <class List, class ToText>
std::string list_of(const List& list, ToText&& to_text) {
    std::string text;
    for (const auto& each : list) {
        add(text, to_text(each));
        if (text.size() > kShown) break;
    }
    return text.empty() ? "none" : shown(text);
}

std::string own_text(const auto& each) {
    return each.text();
}

std::string type_text(GeneralNameType type) {
    return std::string(certs::to_text(type));
}

/// What a rule was broken by, and what it wants.
struct Breach {
    const char* code;
    std::string expected;
    std::string found;
};

/// Judges all rules in their order, each by one function. `report` takes a rule's key and its
/// breach, if there is one, and says whether to go on. Nothing is put into words for a rule that is
/// kept.
class Judge {
public:
    Judge(const IssuanceRules& rules, const Ruled& ruled) : rules_(rules), ruled_(ruled) {}

    template <class Report>
    void run(Report&& report) const {
        const auto& subject = rules_.subject;
        const auto& names = rules_.alternative_names;
        const bool go_on =
            (!subject.allowed || report("subject.allowed", subject_allowed())) &&
            (subject.required.empty() || report("subject.required", subject_required())) &&
            (subject.patterns.empty() || report("subject.patterns", subject_patterns())) &&
            (!names.allowed || report("san.allowed", names_allowed())) &&
            (names.required.empty() || report("san.required", names_required()));
        if (!go_on) return;
        for (std::size_t at = 0; at < names.patterns.size(); ++at) {
            const auto type = static_cast<GeneralNameType>(at);
            if (names.patterns[at] && !report("san.patterns." + type_text(type),
                                              name_patterns(type, *names.patterns[at]))) {
                return;
            }
        }
        const bool names_kept =
            (!rules_.dns_suffixes || report("dns_suffixes", dns_suffixes())) &&
            report("dns_wildcards", dns_wildcards()) &&
            (!rules_.upn_domains ||
             report("upn_domains", accounts(GeneralNameType::kUpn, *rules_.upn_domains))) &&
            (!rules_.email_domains || report("email_domains", email_domains())) &&
            (!rules_.uri_prefixes || report("uri_prefixes", uri_prefixes())) &&
            (!rules_.ip_ranges || report("ip_ranges", ip_ranges())) && report("sid", sid());
        if (!names_kept || ruled_.key == nullptr) return;
        const auto& keys = rules_.keys;
        if (keys.allowed && !report("keys.allowed", key_types())) return;
        const bool sized = keys.minimum_rsa_bits || keys.maximum_rsa_bits;
        if (sized && !report("keys", key_size())) return;
        if (keys.blocked) report("keys.blocked", key_known());
    }

    [[nodiscard]] Refusal refusal(std::string_view rule, Breach breach) const {
        const std::string path = rules_.where + '.' + std::string(rule);
        Refusal refusal = refused(
            FailInfo::kBadRequest, breach.code,
            {std::string(rule), shown(std::move(breach.expected)), shown(std::move(breach.found)),
             "if it is meant to be certified here, change " + path +
                 "; else change what the device asks for, or what was granted"});
        refusal.text =
            path + ": allowed is " + refusal.expected + "; to be certified is " + refusal.found;
        return refusal;
    }

    /// What a rule is judged on.
    [[nodiscard]] std::string found(std::string_view name) const {
        if (name.starts_with("subject")) return shown('\'' + ruled_.subject.text() + '\'');
        if (name.starts_with("keys")) return ruled_.key != nullptr ? ruled_.key->text() : "none";
        if (name == "sid") return ruled_.sid.value_or("none");
        return shown(certs::to_text(ruled_.subject_alt_name));
    }

private:
    using Verdict = std::optional<Breach>;

    /// The first attribute that `broken` holds for, as a breach of what `expected` says.
    template <class Expected, class Broken>
    Verdict each_attribute(const char* code, Expected&& expected, Broken&& broken) const {
        for (const certs::Rdn& rdn : ruled_.subject.rdns()) {
            for (const certs::NameAttribute& attribute : rdn) {
                if (!broken(attribute)) continue;
                return Breach{code, expected(), type_name(attribute.type) + '=' + attribute.value};
            }
        }
        return std::nullopt;
    }

    /// The same for alternative names of a type; not for those that are an account's SID.
    template <class Expected, class Kept>
    Verdict each_name(GeneralNameType type, const char* code, Expected&& expected,
                      Kept&& kept) const {
        for (const GeneralName& name : ruled_.subject_alt_name) {
            if (name.type != type || is_microsoft_tag(name) || kept(name.value)) continue;
            return Breach{code, expected(), name.text()};
        }
        return std::nullopt;
    }

    Verdict subject_allowed() const {
        const auto& allowed = *rules_.subject.allowed;
        return each_attribute(
            "RuleSubjectAttribute", [&] { return list_of(allowed, type_name); },
            [&](const auto& attribute) {
                return std::find(allowed.begin(), allowed.end(), attribute.type) == allowed.end();
            });
    }

    Verdict subject_required() const {
        for (const Bytes& type : rules_.subject.required) {
            const auto has = [&](const certs::NameAttribute& attribute) {
                return attribute.type == type &&
                       attribute.value.find_first_not_of(' ') != std::string::npos;
            };
            const auto& rdns = ruled_.subject.rdns();
            const bool there = std::any_of(rdns.begin(), rdns.end(), [&](const certs::Rdn& rdn) {
                return std::any_of(rdn.begin(), rdn.end(), has);
            });
            if (there) continue;
            return Breach{"RuleSubjectRequired", "a subject with " + type_name(type),
                          '\'' + ruled_.subject.text() + '\''};
        }
        return std::nullopt;
    }

    Verdict subject_patterns() const {
        for (const auto& rule : rules_.subject.patterns) {
            auto breach = each_attribute(
                "RuleSubjectPattern",
                [&] {
                    return type_name(rule.type) + " like " +
                           list_of(rule.patterns, own_text<Pattern>);
                },
                [&](const auto& attribute) {
                    return attribute.type == rule.type &&
                           !matches_any(rule.patterns, attribute.value);
                });
            if (breach) return breach;
        }
        return std::nullopt;
    }

    Verdict names_allowed() const {
        const auto& allowed = *rules_.alternative_names.allowed;
        for (const GeneralName& name : ruled_.subject_alt_name) {
            const bool fits = std::find(allowed.begin(), allowed.end(), name.type) != allowed.end();
            if (fits || is_microsoft_tag(name)) continue;
            return Breach{"RuleNameType", list_of(allowed, type_text), name.text()};
        }
        return std::nullopt;
    }

    Verdict names_required() const {
        const certs::GeneralNames& names = ruled_.subject_alt_name;
        for (const GeneralNameType type : rules_.alternative_names.required) {
            const bool there =
                std::any_of(names.begin(), names.end(), [&](const GeneralName& name) {
                    return name.type == type && !is_microsoft_tag(name);
                });
            if (there) continue;
            return Breach{"RuleNameRequired", "an alternative name of type " + type_text(type),
                          certs::to_text(names)};
        }
        return std::nullopt;
    }

    Verdict name_patterns(GeneralNameType type, const Patterns& patterns) const {
        return each_name(
            type, code_of(type),
            [&] { return type_text(type) + " like " + list_of(patterns, own_text<Pattern>); },
            [&](const std::string& value) { return matches_any(patterns, value); });
    }

    Verdict dns_suffixes() const {
        const auto& domains = *rules_.dns_suffixes;
        return each_name(
            GeneralNameType::kDns, "RuleDnsName",
            [&] { return list_of(domains, own_text<DomainRange>); },
            [&](const std::string& value) { return any_contains(domains, value); });
    }

    Verdict dns_wildcards() const {
        return each_name(
            GeneralNameType::kDns, "RuleDnsName",
            [] { return std::string("names without wildcard"); },
            [&](const std::string& value) {
                return rules_.dns_wildcards || value.find('*') == std::string::npos;
            });
    }

    Verdict accounts(GeneralNameType type, const std::vector<DomainRange>& domains) const {
        return each_name(
            type, code_of(type), [&] { return list_of(domains, own_text<DomainRange>); },
            [&](const std::string& value) { return in_domain(domains, value); });
    }

    Verdict email_domains() const {
        const auto& domains = *rules_.email_domains;
        auto breach = accounts(GeneralNameType::kEmail, domains);
        if (breach) return breach;
        // Readers of mail certificates look there too (RFC 5280 section 4.2.1.10).
        return each_attribute(
            "RuleEmail", [&] { return list_of(domains, own_text<DomainRange>); },
            [&](const certs::NameAttribute& attribute) {
                return equal(attribute.type, certs::oid::kEmailAddress) &&
                       !in_domain(domains, attribute.value);
            });
    }

    Verdict uri_prefixes() const {
        const auto& prefixes = *rules_.uri_prefixes;
        return each_name(
            GeneralNameType::kUri, "RuleUri", [&] { return list_of(prefixes, own_text<UriRange>); },
            [&](const std::string& value) { return any_contains(prefixes, value); });
    }

    Verdict ip_ranges() const {
        const auto& ranges = *rules_.ip_ranges;
        return each_name(
            GeneralNameType::kIp, "RuleIpAddress",
            [&] { return list_of(ranges, own_text<IpRange>); },
            [&](const std::string& value) { return any_contains(ranges, value); });
    }

    Verdict sid() const {
        if (ruled_.sid && !sid_kept(*ruled_.sid)) return sid_breach("extension " + *ruled_.sid);
        for (const GeneralName& name : ruled_.subject_alt_name) {
            if (!is_microsoft_tag(name)) continue;
            const auto value = sid_in(name);
            if (!value || !sid_kept(*value)) return sid_breach(name.text());
        }
        return std::nullopt;
    }

    bool sid_kept(std::string_view value) const {
        const auto& rule = rules_.sid;
        return rule.allowed && is_sid(value) &&
               (!rule.patterns || matches_any(*rule.patterns, value));
    }

    Breach sid_breach(std::string found) const {
        const auto& rule = rules_.sid;
        std::string expected = "no account SID";
        if (rule.allowed) {
            expected = rule.patterns
                           ? "an account SID like " + list_of(*rule.patterns, own_text<Pattern>)
                           : "an account SID, S-1-…";
        }
        return {"RuleSid", std::move(expected), std::move(found)};
    }

    Verdict key_types() const {
        const auto& allowed = *rules_.keys.allowed;
        const certs::PublicKey& key = *ruled_.key;
        const std::string type = key.type() == certs::KeyType::kRsa ? "rsa" : key.text();
        if (std::find(allowed.begin(), allowed.end(), type) != allowed.end()) return std::nullopt;
        return Breach{"RuleKeyType", list_of(allowed, [](const std::string& each) { return each; }),
                      key.text()};
    }

    Verdict key_size() const {
        const auto& least = rules_.keys.minimum_rsa_bits;
        const auto& most = rules_.keys.maximum_rsa_bits;
        const certs::PublicKey& key = *ruled_.key;
        if (key.type() != certs::KeyType::kRsa) return std::nullopt;
        if (least && key.bits() < *least) {
            return Breach{"RuleKeySize",
                          "an RSA key of " + std::to_string(*least) + " bits or more", key.text()};
        }
        if (most && key.bits() > *most) {
            return Breach{"RuleKeySize", "an RSA key of at most " + std::to_string(*most) + " bits",
                          key.text()};
        }
        return std::nullopt;
    }

    Verdict key_known() const {
        const certs::PublicKey& key = *ruled_.key;
        if (!rules_.keys.blocked->contains(key)) return std::nullopt;
        return Breach{"RuleKeyBlocked", "a key that is on no list of keys that others have",
                      key.text() + " with SHA-256 " + to_hex(sha256(key.spki())) + ", which is"};
    }

    static const char* code_of(GeneralNameType type) {
        switch (type) {
            case GeneralNameType::kDns:
                return "RuleDnsName";
            case GeneralNameType::kEmail:
                return "RuleEmail";
            case GeneralNameType::kUri:
                return "RuleUri";
            case GeneralNameType::kIp:
                return "RuleIpAddress";
            case GeneralNameType::kUpn:
                return "RuleUpn";
        }
        return "RuleNameType";
    }

    template <class Range>
    static bool any_contains(const std::vector<Range>& ranges, std::string_view value) {
        return std::any_of(ranges.begin(), ranges.end(),
                           [&](const Range& range) { return range.contains(value); });
    }

    static bool in_domain(const std::vector<DomainRange>& domains, std::string_view account) {
        const auto domain = domain_of_account(account);
        return domain && any_contains(domains, *domain);
    }

    const IssuanceRules& rules_;
    const Ruled& ruled_;
};

}  // namespace

std::optional<Refusal> judge_rules(const IssuanceRules& rules, const Ruled& ruled) {
    std::optional<Refusal> first;
    const Judge judge(rules, ruled);
    judge.run([&](std::string_view rule, std::optional<Breach> breach) {
        if (breach) first = judge.refusal(rule, std::move(*breach));
        return !first;
    });
    return first;
}

std::vector<RuleVerdict> explain_rules(const IssuanceRules& rules, const Ruled& ruled) {
    std::vector<RuleVerdict> all;
    const Judge judge(rules, ruled);
    judge.run([&](std::string_view rule, std::optional<Breach> breach) {
        RuleVerdict& verdict = all.emplace_back();
        verdict.rule = rule;
        if (breach) verdict.refusal = judge.refusal(rule, std::move(*breach));
        verdict.found = verdict.refusal ? verdict.refusal->found : judge.found(rule);
        return true;
    });
    return all;
}

}  // namespace scepgate::policy
