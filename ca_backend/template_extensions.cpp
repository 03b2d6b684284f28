#include "ca_backend/template_extensions.hpp"

#include <boost/locale/encoding_utf.hpp>

#include "certs/ca_oids.hpp"
#include "certs/certificate_builder.hpp"
#include "certs/der.hpp"

namespace scepgate::ca_backend {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;

Bytes sequence_of(const std::vector<Bytes>& elements) {
    Bytes content;
    for (const Bytes& element : elements)
        content.insert(content.end(), element.begin(), element.end());
    return der::element(certs::DerTag::kSequence, content);
}

//   PolicyInformation ::= SEQUENCE {
//        policyIdentifier   OBJECT IDENTIFIER,
//        policyQualifiers   SEQUENCE SIZE (1..MAX) OF PolicyQualifierInfo OPTIONAL }
//   PolicyQualifierInfo ::= SEQUENCE { policyQualifierId OBJECT IDENTIFIER, qualifier ANY }
//   CPSuri ::= IA5String
//   UserNotice ::= SEQUENCE { noticeRef OPTIONAL, explicitText DisplayText OPTIONAL }
Bytes policy_information(const CertificatePolicy& policy) {
    std::vector<Bytes> qualifiers;
    for (const std::string& url : policy.cps) {
        qualifiers.push_back(
            der::sequence({der::oid(oid::kCpsQualifier),
                           der::element(certs::DerTag::kIa5String, as_bytes(url))}));
    }
    if (!policy.notice.empty()) {
        qualifiers.push_back(der::sequence({der::oid(oid::kUserNoticeQualifier),
                                            der::sequence({der::utf8_string(policy.notice)})}));
    }
    return der::sequence(
        {der::oid(policy.oid), qualifiers.empty() ? Bytes{} : sequence_of(qualifiers)});
}

Bytes certificate_policies(const Template& tmpl) {
    std::vector<Bytes> policies;
    for (const CertificatePolicy& policy : tmpl.certificate_policies)
        policies.push_back(policy_information(policy));
    return certs::encode_extension(oid::kCertificatePolicies, tmpl.critical.certificate_policies,
                                   sequence_of(policies));
}

// As certificatePolicies, without qualifiers.
Bytes application_policies(const certs::ExtendedKeyUsage& all, bool critical) {
    std::vector<Bytes> policies;
    for (const Bytes& policy : all)
        policies.push_back(der::sequence({der::oid(policy)}));
    return certs::encode_extension(oid::kApplicationPolicies, critical, sequence_of(policies));
}

Bytes bmp_string(const std::string& utf8) {
    Bytes content;
    for (const char16_t unit : boost::locale::conv::utf_to_utf<char16_t>(utf8)) {
        content.push_back(static_cast<std::uint8_t>(unit >> 8U));
        content.push_back(static_cast<std::uint8_t>(unit & 0xFFU));
    }
    return der::element(certs::DerTag::kBmpString, content);
}

//   CertificateTemplateOID ::= SEQUENCE {
//        templateID              OBJECT IDENTIFIER,
//        templateMajorVersion    INTEGER (0..4294967295) OPTIONAL,
//        templateMinorVersion    INTEGER (0..4294967295) OPTIONAL }
Bytes microsoft_template(const MicrosoftTemplate& tmpl) {
    if (tmpl.oid.empty()) {
        return certs::encode_extension(oid::kCertificateTemplateName, false, bmp_string(tmpl.name));
    }
    const auto version = [](const std::optional<int>& number) {
        return number ? der::integer(*number) : Bytes{};
    };
    return certs::encode_extension(
        oid::kCertificateTemplate, false,
        der::sequence({der::oid(tmpl.oid), version(tmpl.major), version(tmpl.minor)}));
}

}  // namespace

std::vector<Bytes> template_extensions(const Template& tmpl, const CertificatePlan& plan) {
    std::vector<Bytes> all;
    // RFC 5280 section 4.2.1.3 would have it critical; a template can say otherwise, as AD CS's.
    all.push_back(
        certs::encode_extension(oid::kKeyUsage, tmpl.critical.key_usage, plan.key_usage.der()));
    if (!plan.extended_key_usage.empty()) {
        all.push_back(certs::extended_key_usage_extension(plan.extended_key_usage,
                                                          tmpl.critical.extended_key_usage));
    }
    if (tmpl.microsoft) all.push_back(microsoft_template(*tmpl.microsoft));
    if (!plan.application_policies.empty()) {
        all.push_back(
            application_policies(plan.application_policies, tmpl.critical.application_policies));
    }
    if (!tmpl.certificate_policies.empty()) all.push_back(certificate_policies(tmpl));
    return all;
}

}  // namespace scepgate::ca_backend
