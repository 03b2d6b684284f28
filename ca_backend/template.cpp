#include "ca_backend/template.hpp"

#include "certs/oids.hpp"

namespace scepgate::ca_backend {
namespace {

using certs::ExtendedKeyUsage;
using certs::KeyUsage;
using certs::Purpose;
using enum certs::KeyUsageBit;

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kMaxValidity = 100 * 365 * kDay;
constexpr std::int64_t kMaxBackdate = 30 * kDay;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;

/// 2.5.29.37.0
constexpr certs::oid::Octets<4> kAnyExtendedKeyUsage{0x55, 0x1D, 0x25, 0x00};

const KeyUsage kCaUsages{kKeyCertSign, kCrlSign};
const KeyUsage kSigningUsages{kDigitalSignature, kNonRepudiation};
const KeyUsage kEncryptionUsages{kKeyEncipherment, kDataEncipherment, kKeyAgreement, kEncipherOnly,
                                 kDecipherOnly};
/// RFC 8813 section 3: what a key for ECDSA and ECDH may be for.
const KeyUsage kEcUsages{kDigitalSignature, kNonRepudiation, kKeyAgreement, kEncipherOnly,
                         kDecipherOnly};

Error bad_template(const Template& tmpl, const std::string& fault) {
    return {Errc::kConfig, "template \"" + tmpl.name + "\": " + fault};
}

Refusal refusal(const Template& tmpl, std::string code, Finding finding) {
    finding.what.insert(0, "template \"" + tmpl.name + "\": ");
    Refusal refusal = refused(FailInfo::kBadRequest, std::move(code), std::move(finding));
    refusal.check = "template";
    return refusal;
}

bool contains(const ExtendedKeyUsage& usages, ByteView usage) {
    return std::any_of(usages.begin(), usages.end(),
                       [usage](const Bytes& one) { return equal(one, usage); });
}

KeyUsage narrow(KeyUsage usage, Purpose purpose) {
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

Result<KeyUsage, Refusal> plan_key_usage(const Template& tmpl, const Grant& grant,
                                         std::vector<std::string>& notes) {
    constexpr auto* kCode = "TemplateKeyUsageMismatch";
    KeyUsage usage = narrow(tmpl.key_usage, grant.purpose());
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
    if (grant.public_key().type() == certs::KeyType::kEc && !usage.within(kEcUsages)) {
        const KeyUsage possible = usage & kEcUsages;
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

}  // namespace

Result<void> check_template(const Template& tmpl) {
    if (tmpl.key_usage.empty()) return bad_template(tmpl, "key_usage is empty");
    if (const KeyUsage of_ca = tmpl.key_usage & kCaUsages; !of_ca.empty()) {
        return bad_template(
            tmpl, "key_usage has " + of_ca.text() + ", which only a CA may have; remove it");
    }
    if (contains(tmpl.extended_key_usage, kAnyExtendedKeyUsage)) {
        return bad_template(tmpl,
                            "extended_key_usage has anyExtendedKeyUsage (2.5.29.37.0), which makes "
                            "a certificate good for everything; name the usages that are needed");
    }
    if (tmpl.validity <= 0 || tmpl.validity > kMaxValidity) {
        return bad_template(tmpl, "validity must be between 1 second and 100 years");
    }
    if (tmpl.backdate < 0 || tmpl.backdate > kMaxBackdate) {
        return bad_template(tmpl, "backdate must be between 0 and 30 days");
    }
    if (tmpl.minimum_rsa_bits < kMinRsaBits || tmpl.minimum_rsa_bits > kMaxRsaBits) {
        return bad_template(tmpl, "minimum_rsa_bits must be between 2048 and 8192");
    }
    return {};
}

Result<CertificatePlan, Refusal> plan_certificate(const Template& tmpl, const Grant& grant) {
    const certs::PublicKey& key = grant.public_key();
    if (key.type() == certs::KeyType::kRsa && key.bits() < tmpl.minimum_rsa_bits) {
        return refusal(tmpl, "KeyTooShort",
                       {"key", "at least " + std::to_string(tmpl.minimum_rsa_bits) + " bits",
                        key.text(), "set the key size of the client's profile"});
    }

    CertificatePlan plan;
    const auto key_usage = plan_key_usage(tmpl, grant, plan.notes);
    if (!key_usage) return key_usage.error();
    plan.key_usage = *key_usage;
    auto extended = plan_extended_key_usage(tmpl, grant);
    if (!extended) return extended.error();
    plan.extended_key_usage = *std::move(extended);

    plan.validity = std::min(tmpl.validity, grant.max_validity().value_or(tmpl.validity));
    if (plan.validity <= 0) {
        return refused({FailInfo::kBadRequest, "ValidityTooShort", "validity",
                        "correct max_validity of the challenge"},
                       "template \"" + tmpl.name + "\": the grant allows no validity at all");
    }
    return plan;
}

}  // namespace scepgate::ca_backend
