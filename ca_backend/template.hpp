// Certificate templates: what a kind of certificate looks like, whoever asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ca_backend/subject_pattern.hpp"
#include "certs/enrollment.hpp"

namespace scepgate::ca_backend {

/// One PolicyInformation (RFC 5280 section 4.2.1.4).
struct CertificatePolicy {
    Bytes oid;                     ///< content octets
    std::vector<std::string> cps;  ///< URLs of certification practice statements
    std::string notice;            ///< UTF-8 for people, at most 200 characters; may be empty
};

/// What AD CS says of the template: version 1 has a name, later ones an OID and versions.
struct MicrosoftTemplate {
    std::string name;
    Bytes oid;  ///< content octets; empty for version 1
    std::optional<int> major, minor;
};

/// What a device may ask for: seconds.
struct ValidityRange {
    std::int64_t minimum = 0;
    std::int64_t maximum = 0;
};

/// Which extensions are critical.
struct CriticalExtensions {
    bool key_usage = true;
    bool extended_key_usage = false;
    bool application_policies = false;
    bool certificate_policies = false;
};

struct Template {
    std::string name;
    std::vector<certs::Purpose> purposes;  ///< what it is for; empty: all
    certs::KeyUsage key_usage;             ///< never keyCertSign, cRLSign (checked at start)
    certs::ExtendedKeyUsage extended_key_usage;
    /// Microsoft's (1.3.6.1.4.1.311.21.10); empty: no such extension.
    certs::ExtendedKeyUsage application_policies;
    std::vector<CertificatePolicy> certificate_policies;
    std::optional<MicrosoftTemplate> microsoft;
    CriticalExtensions critical;
    std::optional<SubjectPattern> subject;  ///< empty: the Grant's
    std::int64_t validity = 365 * 86400;    ///< seconds
    /// Empty: what a device asks for does not count.
    std::optional<ValidityRange> requested_validity;
    std::int64_t backdate = 600;         ///< notBefore lies this many seconds back
    std::vector<std::string> key_types;  ///< "rsa", "ec:p256", …; empty: all
    int minimum_rsa_bits = 2048;
    int maximum_rsa_bits = 8192;
    bool sid_extension = false;  ///< 1.3.6.1.4.1.311.25.2 when the Grant has a SID
};

/// Judges a template before it is used. kConfig: no key usage, keyCertSign or cRLSign,
/// anyExtendedKeyUsage (a certificate for everything) or OCSPSigning (a certificate that answers
/// for the CA), also as application policies, times out of range, RSA under 2048 bits, a policy or
/// a qualifier twice, a notice over 200 characters, a version without an OID or below 0.
Result<void> check_template(const Template& tmpl);

/// The part of a key usage that is for a purpose.
[[nodiscard]] certs::KeyUsage usage_for(certs::KeyUsage usage, certs::Purpose purpose);
/// RFC 8813 section 3: the part that a key for ECDSA and ECDH can do.
[[nodiscard]] certs::KeyUsage ec_usages(certs::KeyUsage usage);

/// What a Grant and a template make together.
struct CertificatePlan {
    certs::KeyUsage key_usage;
    certs::ExtendedKeyUsage extended_key_usage;
    certs::ExtendedKeyUsage application_policies;
    certs::Name subject;
    std::int64_t validity = 0;       ///< seconds
    std::vector<std::string> notes;  ///< for the log: what was left out, and why
};

/// Usages: the Grant's, which must lie within the template's; where the Grant leaves them open, the
/// template's. An open key usage is narrowed to the purpose signature or encryption. An EC key gets
/// no keyEncipherment or dataEncipherment, which it cannot do (RFC 8813).
/// An application policy that is an extended key usage of the template stands with that alone.
/// Subject: the Grant's, or what the template's pattern makes of it.
/// Validity: the template's. Where it has a range, what the device asks for, else what the Grant
/// allows at most, brought into the range. Never more than the Grant allows.
/// `now`: for a device that asks for an end.
/// Refused (badRequest) by name: "TemplatePurposeMismatch", "KeyTypeNotAllowed", "KeyTooShort",
/// "KeyTooLong", "TemplateKeyUsageMismatch", "TemplateExtendedKeyUsageMismatch",
/// "SubjectClaimMissing", "SubjectPatternUnfit", "ValidityTooShort".
Result<CertificatePlan, Refusal> plan_certificate(const Template& tmpl, const Grant& grant,
                                                  std::int64_t now);

}  // namespace scepgate::ca_backend
