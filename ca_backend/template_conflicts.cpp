#include "ca_backend/template_conflicts.hpp"

#include <algorithm>

#include "ca_backend/name_constraints.hpp"
#include "ca_backend/oid_list.hpp"
#include "certs/ca_oids.hpp"
#include "certs/clock.hpp"
#include "certs/der.hpp"
#include "certs/extensions.hpp"

namespace scepgate::ca_backend {
namespace {

using certs::Certificate;
using certs::ExtendedKeyUsage;
using certs::KeyUsage;
using enum certs::KeyUsageBit;
using Conflicts = std::vector<TemplateConflict>;

/// RFC 5280 section 4.2.1.12: "Key usage bits that may be consistent". keyEncipherment goes with
/// clientAuth in practice: it is what NDES's encryption template issues.
struct Consistent {
    const char* usage;
    KeyUsage any_of;
};
const std::vector<Consistent>& consistent_usages() {
    static const std::vector<Consistent> kAll{
        {"clientAuth", {kDigitalSignature, kKeyAgreement, kKeyEncipherment}},
        {"serverAuth", {kDigitalSignature, kKeyAgreement, kKeyEncipherment}},
        {"codeSigning", {kDigitalSignature}},
        {"emailProtection", {kDigitalSignature, kNonRepudiation, kKeyEncipherment, kKeyAgreement}},
        {"timeStamping", {kDigitalSignature, kNonRepudiation}},
        {"smartcardLogon", {kDigitalSignature}}};
    return kAll;
}

void judge_extended_usages(const Template& tmpl, Conflicts& found) {
    for (const Consistent& one : consistent_usages()) {
        const auto oid = certs::extended_key_usage_from_text(one.usage);
        if (!oid || !contains(tmpl.extended_key_usage, *oid)) continue;
        if (!(tmpl.key_usage & one.any_of).empty()) continue;
        found.push_back({"extended_key_usage",
                         std::string(one.usage) + " is of no use with key usage " +
                             tmpl.key_usage.text() + " (RFC 5280 section 4.2.1.12)",
                         "add one of " + one.any_of.text() + " to key_usage"});
    }
}

/// Usages with which a device can act for others.
void judge_powers(const Template& tmpl, Conflicts& found) {
    const struct {
        const char* oid;
        const char* power;
    } kPowers[] = {
        {"1.3.6.1.4.1.311.20.2.1", "an enrolment agent, who gets certificates in anybody's name"},
        {"1.3.6.1.5.2.3.5", "a Kerberos KDC (domain controller), whom clients log on to"}};
    for (const auto& [text, power] : kPowers) {
        const auto oid = certs::oid_from_text(text);
        for (const auto& [key, usages] : {std::pair{"extended_key_usage", &tmpl.extended_key_usage},
                                          {"application_policies", &tmpl.application_policies}}) {
            if (!oid || !contains(*usages, *oid)) continue;
            found.push_back({key, std::string(text) + " makes every device " + power,
                             "leave it out, unless this template is for such machines alone"});
        }
    }
}

void judge_purposes(const Template& tmpl, Conflicts& found) {
    if (tmpl.purposes.empty()) return;
    KeyUsage unused = tmpl.key_usage;
    for (const certs::Purpose purpose : tmpl.purposes) {
        if (auto conflict = template_conflict(tmpl, purpose)) found.push_back(*conflict);
        const auto used = usage_for(tmpl.key_usage, purpose).names();
        std::vector<std::string> left;
        for (const std::string& name : unused.names()) {
            if (std::find(used.begin(), used.end(), name) == used.end()) left.push_back(name);
        }
        const auto rest = KeyUsage::from_names(left);
        unused = rest ? *rest : KeyUsage();
    }
    if (unused.empty()) return;
    found.push_back({"key_usage", unused.text() + " is never issued: its purpose has no use for it",
                     "leave it out, or widen purpose"});
}

void judge_keys(const Template& tmpl, Conflicts& found) {
    // RFC 3279 section 2.3.1, for end entities.
    const KeyUsage rsa_usages{kDigitalSignature, kNonRepudiation, kKeyEncipherment,
                              kDataEncipherment};
    const auto& types = tmpl.key_types;
    const bool takes_rsa =
        types.empty() || std::find(types.begin(), types.end(), "rsa") != types.end();
    const bool takes_ec =
        types.empty() ||
        std::any_of(types.begin(), types.end(), [](const auto& one) { return one != "rsa"; });
    const std::string usage = tmpl.key_usage.text();
    if (takes_ec && !takes_rsa && ec_usages(tmpl.key_usage).empty()) {
        found.push_back({"keys", "an EC key can do nothing of " + usage + " (RFC 8813)",
                         "allow rsa, or widen key_usage", false});
    }
    if (takes_rsa && !takes_ec && (tmpl.key_usage & rsa_usages).empty()) {
        found.push_back({"keys", "an RSA key can do nothing of " + usage + " (RFC 3279)",
                         "allow EC keys, or widen key_usage", false});
    }
    // RFC 5280 section 4.2.1.3: they say what keyAgreement is for.
    const KeyUsage directions = tmpl.key_usage & KeyUsage{kEncipherOnly, kDecipherOnly};
    if (!directions.empty() && !tmpl.key_usage.has(kKeyAgreement)) {
        found.push_back({"key_usage", directions.text() + " means nothing without keyAgreement",
                         "add keyAgreement, or leave it out"});
    }
}

void judge_application_policies(const Template& tmpl, Conflicts& found) {
    if (tmpl.application_policies.empty()) return;
    for (const Bytes& usage : tmpl.extended_key_usage) {
        if (contains(tmpl.application_policies, usage)) continue;
        found.push_back({"application_policies",
                         "lacks " + certs::extended_key_usage_to_text(usage) +
                             ", which extended_key_usage has: Windows goes by application policies "
                             "where there are any",
                         "add it, or write true for those of extended_key_usage"});
    }
    for (const Bytes& policy : tmpl.application_policies) {
        if (contains(tmpl.extended_key_usage, policy)) continue;
        found.push_back({"application_policies",
                         "has " + certs::extended_key_usage_to_text(policy) +
                             ", which extended_key_usage lacks: only Windows will see it",
                         "add it to extended_key_usage too"});
    }
}

void judge_requested_validity(const Template& tmpl, Conflicts& found) {
    if (!tmpl.requested_validity) return;
    const ValidityRange& range = *tmpl.requested_validity;
    constexpr std::int64_t kFiveDays = 5 * 86'400;
    if (range.minimum < kFiveDays && tmpl.validity >= kFiveDays) {
        found.push_back({"requested_validity.minimum", "is under five days",
                         "Intune refuses certificates that short"});
    }
    if (tmpl.validity < range.minimum || tmpl.validity > range.maximum) {
        found.push_back({"validity",
                         "is outside requested_validity, which limits it too where nobody asks",
                         "bring it within minimum and maximum"});
    }
}

void judge_critical(const Template& tmpl, Conflicts& found) {
    const auto absent = [&](bool critical, bool there, const char* name) {
        if (!critical || there) return;
        found.push_back({"critical", std::string("names ") + name + ", of which there are none",
                         "take it out"});
    };
    absent(tmpl.critical.extended_key_usage, !tmpl.extended_key_usage.empty(),
           "extended_key_usage");
    absent(tmpl.critical.application_policies, !tmpl.application_policies.empty(),
           "application_policies");
    absent(tmpl.critical.certificate_policies, !tmpl.certificate_policies.empty(),
           "certificate_policies");
}

//   certificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation
//   PolicyInformation ::= SEQUENCE { policyIdentifier OBJECT IDENTIFIER, … OPTIONAL }
/// Empty: the certificate has none that can be read, and limits nothing.
std::vector<Bytes> policies_of(const Certificate& ca) {
    const auto* extension =
        certs::find_extension(ca.extensions(), certs::oid::kCertificatePolicies);
    if (extension == nullptr) return {};
    certs::DerReader outer(extension->value);
    const auto body = outer.read(certs::DerTag::kSequence);
    if (!body) return {};
    std::vector<Bytes> all;
    for (certs::DerReader reader(*body); !reader.empty();) {
        const auto information = reader.read(certs::DerTag::kSequence);
        if (!information) return {};
        certs::DerReader fields(*information);
        const auto oid = fields.read_oid();
        if (!oid) return {};
        all.push_back(to_bytes(*oid));
    }
    return all;
}

void judge_ca_policies(const Template& tmpl, const Certificate& ca, Conflicts& found) {
    const auto allowed = policies_of(ca);
    if (allowed.empty() || contains(allowed, certs::oid::kAnyPolicy)) return;
    for (const CertificatePolicy& policy : tmpl.certificate_policies) {
        if (contains(allowed, policy.oid)) continue;
        std::string all;
        for (const Bytes& one : allowed)
            all += (all.empty() ? "" : ", ") + certs::oid_to_text(one);
        found.push_back({"certificate_policies",
                         certs::oid_to_text(policy.oid) + " is not among those of the CA " +
                             ca.subject_text() + " (" + all +
                             "): no verifier will take a certificate to be under it",
                         "use one of these, or have the CA certified for it"});
    }
}

void judge_ca_usages(const Template& tmpl, const Certificate& ca, Conflicts& found) {
    const auto allowed = ca.extended_key_usage();
    if (!allowed || !*allowed || contains(**allowed, certs::oid::kAnyExtendedKeyUsage)) return;
    for (const Bytes& usage : tmpl.extended_key_usage) {
        if (contains(**allowed, usage)) continue;
        found.push_back({"extended_key_usage",
                         certs::extended_key_usage_to_text(usage) +
                             " is not among those of the CA " + ca.subject_text() + " (" +
                             certs::to_text(**allowed) +
                             "), which most verifiers take as a limit on what it issues",
                         "leave it out, or use a CA without that limit"});
    }
}

/// Whatever stands in the claims' places, the rest of the pattern is always the same.
void judge_names(const Template& tmpl, const std::vector<Certificate>& chain, Conflicts& found) {
    if (!tmpl.subject) return;
    const auto constraints = NameConstraints::of_chain(chain);
    const auto key = chain.front().public_key();
    if (!constraints || constraints->empty() || !key) return;
    const certs::Name sample = tmpl.subject->sample();
    const auto permitted = constraints->permit(sample.der(), {}, *key);
    if (permitted) return;
    found.push_back({"subject",
                     "'" + sample.text() +
                         "' (x in place of the claims) is not within the name "
                         "constraints of the CA: " +
                         permitted.error().detail,
                     "change the pattern, or use another CA"});
}

}  // namespace

std::vector<TemplateConflict> template_conflicts(const Template& tmpl) {
    Conflicts found;
    for (const auto judge : {judge_extended_usages, judge_powers, judge_purposes, judge_keys,
                             judge_application_policies, judge_requested_validity, judge_critical})
        judge(tmpl, found);
    return found;
}

std::vector<TemplateConflict> template_conflicts(const Template& tmpl,
                                                 const std::vector<Certificate>& chain,
                                                 std::int64_t now) {
    Conflicts found;
    if (chain.empty()) return found;
    const std::int64_t longest =
        tmpl.requested_validity ? tmpl.requested_validity->maximum : tmpl.validity;
    const std::int64_t end = chain.front().not_after();
    const std::int64_t half = end - (end - chain.front().not_before()) / 2;
    // From half of its validity on, what is told is that the CA is to be renewed.
    if (now < half && now + longest > end) {
        found.push_back({"validity",
                         "goes beyond the CA's certificate, which ends " + certs::utc_text(end) +
                             ": certificates end with it",
                         "renew the CA (docs/rollover.md), or shorten validity"});
    }
    for (const Certificate& ca : chain) {
        if (ca.self_issued()) continue;
        judge_ca_policies(tmpl, ca, found);
        judge_ca_usages(tmpl, ca, found);
    }
    judge_names(tmpl, chain, found);
    return found;
}

std::optional<TemplateConflict> template_conflict(const Template& tmpl, certs::Purpose purpose) {
    const std::string name(to_text(purpose));
    const auto& all = tmpl.purposes;
    if (!all.empty() && std::find(all.begin(), all.end(), purpose) == all.end()) {
        return TemplateConflict{"purpose", "is not for " + name,
                                "name another template for that, or widen this one's purpose",
                                false};
    }
    if (!usage_for(tmpl.key_usage, purpose).empty()) return std::nullopt;
    return TemplateConflict{"key_usage", tmpl.key_usage.text() + " has nothing for purpose " + name,
                            "widen key_usage, or name another template for that", false};
}

}  // namespace scepgate::ca_backend
