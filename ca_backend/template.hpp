// Certificate templates: what a kind of certificate looks like, whoever asks.
#pragma once

#include <cstdint>
#include <string>

#include "certs/enrollment.hpp"

namespace scepgate::ca_backend {

struct Template {
    std::string name;
    certs::KeyUsage key_usage;                      ///< never keyCertSign, cRLSign (checked at start)
    certs::ExtendedKeyUsage extended_key_usage;
    std::int64_t validity = 365 * 86400;            ///< seconds
    std::int64_t backdate = 600;                    ///< notBefore lies this many seconds back
    int minimum_rsa_bits = 2048;
    bool sid_extension = false;                     ///< 1.3.6.1.4.1.311.25.2 when the Grant has a SID
};

/// What a Grant and a template make together.
struct CertificatePlan {
    certs::KeyUsage key_usage;
    certs::ExtendedKeyUsage extended_key_usage;
    std::int64_t validity = 0;                      ///< seconds
};

/// Usages: the Grant's, which must lie within the template's; where the Grant leaves them open, the
/// template's. For purpose signature or encryption the key usage is narrowed to that purpose.
/// Validity: the shorter. Refused (badRequest) by name: "TemplateKeyUsageMismatch",
/// "TemplateExtendedKeyUsageMismatch", "KeyTooShort".
Result<CertificatePlan, Refusal> plan_certificate(const Template& tmpl, const Grant& grant);

}  // namespace scepgate::ca_backend
