// Certificate templates: what a kind of certificate looks like, whoever asks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "certs/enrollment.hpp"

namespace scepgate::ca_backend {

struct Template {
    std::string name;
    certs::KeyUsage key_usage;  ///< never keyCertSign, cRLSign (checked at start)
    certs::ExtendedKeyUsage extended_key_usage;
    std::int64_t validity = 365 * 86400;  ///< seconds
    std::int64_t backdate = 600;          ///< notBefore lies this many seconds back
    int minimum_rsa_bits = 2048;
    bool sid_extension = false;  ///< 1.3.6.1.4.1.311.25.2 when the Grant has a SID
};

/// Judges a template before it is used. kConfig: no key usage, keyCertSign or cRLSign,
/// anyExtendedKeyUsage (a certificate for everything), times out of range, RSA under 2048 bits.
Result<void> check_template(const Template& tmpl);

/// What a Grant and a template make together.
struct CertificatePlan {
    certs::KeyUsage key_usage;
    certs::ExtendedKeyUsage extended_key_usage;
    std::int64_t validity = 0;       ///< seconds
    std::vector<std::string> notes;  ///< for the log: what was left out, and why
};

/// Usages: the Grant's, which must lie within the template's; where the Grant leaves them open, the
/// template's. An open key usage is narrowed to the purpose signature or encryption. An EC key gets
/// no keyEncipherment or dataEncipherment, which it cannot do (RFC 8813).
/// Validity: the shorter. Refused (badRequest) by name: "TemplateKeyUsageMismatch",
/// "TemplateExtendedKeyUsageMismatch", "KeyTooShort", "ValidityTooShort".
Result<CertificatePlan, Refusal> plan_certificate(const Template& tmpl, const Grant& grant);

}  // namespace scepgate::ca_backend
