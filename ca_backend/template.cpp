#include "ca_backend/template.hpp"

#include <algorithm>

#include "ca_backend/oid_list.hpp"

namespace scepgate::ca_backend {
namespace {

using certs::ExtendedKeyUsage;
using certs::KeyUsage;
using certs::Purpose;
using enum certs::KeyUsageBit;

const KeyUsage kSigningUsages{kDigitalSignature, kNonRepudiation};
const KeyUsage kEncryptionUsages{kKeyEncipherment, kDataEncipherment, kKeyAgreement, kEncipherOnly,
                                 kDecipherOnly};
const KeyUsage kEcUsages{kDigitalSignature, kNonRepudiation, kKeyAgreement, kEncipherOnly,
                         kDecipherOnly};

Refusal refusal(const Template& tmpl, std::string code, Finding finding) {
    finding.what.insert(0, "template \"" + tmpl.name + "\": ");
    Refusal refusal = refused(FailInfo::kBadRequest, std::move(code), std::move(finding));
    refusal.check = "template";
    return refusal;
}

Result<KeyUsage, Refusal> plan_key_usage(const Template& tmpl, const Grant& grant,
                                         std::vector<std::string>& notes) {
    constexpr auto* kCode = "TemplateKeyUsageMismatch";
    KeyUsage usage = usage_for(tmpl.key_usage, grant.purpose());
    if (grant.key_usage() && !grant.key_usage()->empty()) {
        usage = *grant.key_usage();
        if (!usage.within(tmpl.key_usage)) {
            return refusal(tmpl, kCode,
                           {"granted key usage", "within " + tmpl.key_usage.text(), usage.text(),
                            "widen the template's key_usage, or grant less"});
        }
    }
    if (usage.empty()) {
        return refusal(
            tmpl, kCode,
            {"key usage", "something for purpose " + std::string(to_text(grant.purpose())),
             tmpl.key_usage.text(),
             "widen the template's key_usage, or name another template for this purpose "
             "under endpoints[].templates"});
    }
    if (grant.public_key().type() == certs::KeyType::kEc && ec_usages(usage) != usage) {
        const KeyUsage possible = ec_usages(usage);
        if (possible.empty()) {
            return refusal(tmpl, kCode,
                           {"key usage of an EC key (RFC 8813)", kEcUsages.text(), usage.text(),
                            "have the device make an RSA key, or widen the template's key_usage"});
        }
        notes.push_back("key usage " + usage.text() + " reduced to " + possible.text() +
                        ": an EC key cannot encrypt (RFC 8813)");
        usage = possible;
    }
    return usage;
}

Result<ExtendedKeyUsage, Refusal> plan_extended_key_usage(const Template& tmpl,
                                                          const Grant& grant) {
    const auto& granted = grant.extended_key_usage();
    if (!granted || granted->empty()) return tmpl.extended_key_usage;
    for (const Bytes& usage : *granted) {
        if (contains(tmpl.extended_key_usage, usage)) continue;
        return refusal(
            tmpl, "TemplateExtendedKeyUsageMismatch",
            {"granted extended key usage", "of " + certs::to_text(tmpl.extended_key_usage),
             certs::extended_key_usage_to_text(usage),
             "widen the template's extended_key_usage, or grant less"});
    }
    return *granted;
}

/// A policy that is one of the template's usages stands only with that usage.
ExtendedKeyUsage plan_application_policies(const Template& tmpl, const ExtendedKeyUsage& usages) {
    ExtendedKeyUsage policies;
    for (const Bytes& policy : tmpl.application_policies) {
        if (!contains(tmpl.extended_key_usage, policy) || contains(usages, policy)) {
            policies.push_back(policy);
        }
    }
    return policies;
}

std::optional<Refusal> judge_key(const Template& tmpl, const certs::PublicKey& key) {
    const std::string type = key.type() == certs::KeyType::kRsa ? "rsa" : key.text();
    if (!tmpl.key_types.empty() &&
        std::find(tmpl.key_types.begin(), tmpl.key_types.end(), type) == tmpl.key_types.end()) {
        std::string all;
        for (const std::string& one : tmpl.key_types)
            all += (all.empty() ? "" : ", ") + one;
        return refusal(tmpl, "KeyTypeNotAllowed",
                       {"key", all, key.text(), "set the key type of the client's profile"});
    }
    if (key.type() != certs::KeyType::kRsa) return std::nullopt;
    if (key.bits() < tmpl.minimum_rsa_bits) {
        return refusal(tmpl, "KeyTooShort",
                       {"key", "at least " + std::to_string(tmpl.minimum_rsa_bits) + " bits",
                        key.text(), "set the key size of the client's profile"});
    }
    if (key.bits() > tmpl.maximum_rsa_bits) {
        return refusal(tmpl, "KeyTooLong",
                       {"key", "at most " + std::to_string(tmpl.maximum_rsa_bits) + " bits",
                        key.text(), "set the key size of the client's profile"});
    }
    return std::nullopt;
}

std::optional<Refusal> judge_purpose(const Template& tmpl, Purpose purpose) {
    const auto& all = tmpl.purposes;
    if (all.empty() || std::find(all.begin(), all.end(), purpose) != all.end()) return {};
    std::string names;
    for (const Purpose one : all)
        names += (names.empty() ? "" : ", ") + std::string(to_text(one));
    return refusal(tmpl, "TemplatePurposeMismatch",
                   {"purpose", names, std::string(to_text(purpose)),
                    "name a template for this purpose under endpoints[].templates, or widen this "
                    "one's purpose"});
}

/// What the device asks for, in seconds from now; 0 for an end that is past.
std::optional<std::int64_t> wished_validity(const Grant& grant, std::int64_t now) {
    const auto& wish = grant.requested_validity();
    if (!wish) return std::nullopt;
    if (wish->not_after == 0) return wish->seconds;
    return std::max<std::int64_t>(0, wish->not_after - now);
}

std::int64_t plan_validity(const Template& tmpl, const Grant& grant, std::int64_t now,
                           std::vector<std::string>& notes) {
    std::int64_t validity = tmpl.validity;
    const auto wish = wished_validity(grant, now);
    if (tmpl.requested_validity) {
        const ValidityRange& range = *tmpl.requested_validity;
        const std::int64_t asked = wish.value_or(grant.max_validity().value_or(tmpl.validity));
        validity = std::clamp(asked, range.minimum, range.maximum);
        if (wish && validity != asked) {
            notes.push_back("requested validity of " + std::to_string(asked) + " s brought to " +
                            std::to_string(validity) + " s, the template's limit");
        }
    } else if (wish) {
        notes.push_back("left out the requested validity: template \"" + tmpl.name +
                        "\" has no requested_validity");
    }
    return std::min(validity, grant.max_validity().value_or(validity));
}

}  // namespace

KeyUsage usage_for(KeyUsage usage, Purpose purpose) {
    switch (purpose) {
        case Purpose::kSignature:
            return usage & kSigningUsages;
        case Purpose::kEncryption:
            return usage & kEncryptionUsages;
        case Purpose::kGeneralPurpose:
            break;
    }
    return usage;
}

KeyUsage ec_usages(KeyUsage usage) {
    return usage & kEcUsages;
}

Result<CertificatePlan, Refusal> plan_certificate(const Template& tmpl, const Grant& grant,
                                                  std::int64_t now) {
    if (auto fault = judge_key(tmpl, grant.public_key())) return *std::move(fault);
    if (auto fault = judge_purpose(tmpl, grant.purpose())) return *std::move(fault);

    CertificatePlan plan;
    const auto key_usage = plan_key_usage(tmpl, grant, plan.notes);
    if (!key_usage) return key_usage.error();
    plan.key_usage = *key_usage;
    auto extended = plan_extended_key_usage(tmpl, grant);
    if (!extended) return extended.error();
    plan.extended_key_usage = *std::move(extended);
    plan.application_policies = plan_application_policies(tmpl, plan.extended_key_usage);

    plan.subject = grant.subject();
    if (tmpl.subject) {
        auto built = tmpl.subject->build(source_of(grant));
        if (!built) return built.error();
        plan.subject = *std::move(built);
    }

    plan.validity = plan_validity(tmpl, grant, now, plan.notes);
    if (plan.validity <= 0) {
        return refused({FailInfo::kBadRequest, "ValidityTooShort", "validity",
                        "correct max_validity of the challenge"},
                       "template \"" + tmpl.name + "\": the grant allows no validity at all");
    }
    return plan;
}

}  // namespace scepgate::ca_backend
