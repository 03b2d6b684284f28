// Whether a template can be used at all.
#include <algorithm>

#include "ca_backend/oid_list.hpp"
#include "ca_backend/template.hpp"
#include "certs/asn1_string.hpp"
#include "certs/ca_oids.hpp"
#include "certs/general_name.hpp"

namespace scepgate::ca_backend {
namespace {

using enum certs::KeyUsageBit;

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kMaxValidity = 100 * 365 * kDay;
constexpr std::int64_t kMaxBackdate = 30 * kDay;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr std::size_t kMaxNotice = 200;  // RFC 5280 section 4.2.1.4, characters

Error bad_template(const Template& tmpl, const std::string& fault) {
    return {Errc::kConfig, "template \"" + tmpl.name + "\": " + fault};
}

// Microsoft's own "all application policies".
constexpr certs::oid::Octets<10> kAllPolicies{0x2B, 0x06, 0x01, 0x04, 0x01,
                                              0x82, 0x37, 0x0A, 0x0C, 0x01};

/// `key`: where these stand in the template.
Result<void> check_purposes(const Template& tmpl, const std::string& key,
                            const certs::ExtendedKeyUsage& purposes) {
    const auto refuse_if = [&](ByteView oid, const char* name, const char* why) -> Result<void> {
        if (!contains(purposes, oid)) return {};
        return bad_template(tmpl,
                            key + " has " + name + " (" + certs::oid_to_text(oid) + "), " + why);
    };
    constexpr auto* kEverything =
        "which makes a certificate good for everything; name the usages that are needed";
    auto sound = refuse_if(certs::oid::kAnyExtendedKeyUsage, "anyExtendedKeyUsage", kEverything);
    if (sound) sound = refuse_if(kAllPolicies, "the policy for all", kEverything);
    if (!sound) return sound;
    // RFC 6960 section 4.2.2.2: whoever has it from the CA is believed about any of its
    // certificates.
    return refuse_if(certs::oid::kEkuOcspSigning, "OCSPSigning",
                     "with which a device could call any certificate of the CA good; the CA's own "
                     "responder needs no template: remove it");
}

Result<void> check_usages(const Template& tmpl) {
    if (tmpl.key_usage.empty()) return bad_template(tmpl, "key_usage is empty");
    const certs::KeyUsage of_ca = tmpl.key_usage & certs::KeyUsage{kKeyCertSign, kCrlSign};
    if (!of_ca.empty()) {
        return bad_template(
            tmpl, "key_usage has " + of_ca.text() + ", which only a CA may have; remove it");
    }
    if (const auto sound = check_purposes(tmpl, "extended_key_usage", tmpl.extended_key_usage);
        !sound)
        return sound;
    return check_purposes(tmpl, "application_policies", tmpl.application_policies);
}

Result<void> check_times(const Template& tmpl) {
    if (tmpl.validity <= 0 || tmpl.validity > kMaxValidity) {
        return bad_template(tmpl, "validity must be between 1 second and 100 years");
    }
    if (tmpl.backdate < 0 || tmpl.backdate > kMaxBackdate) {
        return bad_template(tmpl, "backdate must be between 0 and 30 days");
    }
    if (const auto& range = tmpl.requested_validity) {
        if (range->minimum <= 0 || range->maximum > kMaxValidity ||
            range->minimum > range->maximum) {
            return bad_template(tmpl,
                                "requested_validity must begin above 0, end within 100 years, and "
                                "not end before it begins");
        }
    }
    return {};
}

Result<void> check_keys(const Template& tmpl) {
    if (tmpl.minimum_rsa_bits < kMinRsaBits || tmpl.minimum_rsa_bits > kMaxRsaBits) {
        return bad_template(tmpl, "minimum_rsa_bits must be between 2048 and 8192");
    }
    if (tmpl.maximum_rsa_bits < tmpl.minimum_rsa_bits) {
        return bad_template(tmpl, "maximum_rsa_bits is below minimum_rsa_bits");
    }
    return {};
}

Result<void> check_policies(const Template& tmpl) {
    std::vector<Bytes> seen;
    for (const CertificatePolicy& policy : tmpl.certificate_policies) {
        if (contains(seen, policy.oid)) {
            return bad_template(
                tmpl, "certificate_policies has " + certs::oid_to_text(policy.oid) + " twice");
        }
        seen.push_back(policy.oid);
        for (std::size_t i = 0; i < policy.cps.size(); ++i) {
            const std::string& url = policy.cps[i];
            if (std::find(policy.cps.begin(), policy.cps.end(), url) - policy.cps.begin() !=
                static_cast<std::ptrdiff_t>(i)) {
                return bad_template(tmpl, "cps has " + url + " twice");
            }
            const auto name = certs::GeneralName::make(certs::GeneralNameType::kUri, url);
            if (!name) return bad_template(tmpl, "cps: " + name.error().detail);
        }
        if (policy.notice.empty()) continue;
        if (const auto readable = certs::check_readable(policy.notice); !readable) {
            return bad_template(tmpl, "notice: " + readable.error().detail);
        }
        if (certs::count_characters(policy.notice) > kMaxNotice) {
            return bad_template(tmpl, "a notice has at most 200 characters (RFC 5280)");
        }
    }
    return {};
}

Result<void> check_microsoft(const Template& tmpl) {
    if (!tmpl.microsoft) return {};
    const MicrosoftTemplate& one = *tmpl.microsoft;
    if (one.name.empty() == one.oid.empty()) {
        return bad_template(tmpl, "microsoft_template has either a name (version 1) or an oid");
    }
    if (one.minor && !one.major) {
        return bad_template(tmpl, "microsoft_template has a minor version without a major one");
    }
    if (one.oid.empty() && one.major) {
        return bad_template(tmpl, "a microsoft_template with a name has no versions");
    }
    if (one.major.value_or(0) < 0 || one.minor.value_or(0) < 0) {
        return bad_template(tmpl, "microsoft_template: versions are not negative");
    }
    if (one.name.empty()) return {};
    if (const auto readable = certs::check_readable(one.name); !readable) {
        return bad_template(tmpl, "microsoft_template.name: " + readable.error().detail);
    }
    // It is a BMPString, which has two octets for each; those above take four in UTF-8.
    const bool too_wide = std::any_of(one.name.begin(), one.name.end(), [](char octet) {
        return static_cast<unsigned char>(octet) >= 0xF0;
    });
    if (too_wide) {
        return bad_template(tmpl,
                            "microsoft_template.name: a character above U+FFFF, which "
                            "BMPString does not have");
    }
    return {};
}

}  // namespace

Result<void> check_template(const Template& tmpl) {
    for (const auto check :
         {check_usages, check_times, check_keys, check_policies, check_microsoft}) {
        if (const auto sound = check(tmpl); !sound) return sound.error();
    }
    return {};
}

}  // namespace scepgate::ca_backend
