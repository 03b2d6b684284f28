#include "tests/ca_backend/support/grants.hpp"

#include "ca_backend/wait_for.hpp"
#include "certs/ca_oids.hpp"

namespace scepgate::ca_backend::testing {

EnrollmentRequest make_request(const certs::PrivateKey& device_key,
                               const certs::CsrContents& contents, certs::Purpose purpose) {
    const Bytes der = certs::build_csr(contents, device_key).value();
    return {.endpoint = "/scep",
            .kind = EnrollmentKind::kInitial,
            .message_type = 19,
            .transaction_id = "transaction-1",
            .csr = certs::Csr::from_der(der).value(),
            .purpose = purpose,
            .signer = make_ca_certificate({.subject = "CN=transient", .ca = false}),
            .client_address = "192.0.2.1"};
}

namespace {

Bytes bmp_string(std::string_view ascii) {
    Bytes content;
    for (const char c : ascii) {
        content.push_back(0);
        content.push_back(static_cast<std::uint8_t>(c));
    }
    return certs::der::element(certs::DerTag::kBmpString, content);
}

/// An Attribute of its own for each, as Windows writes them.
Bytes name_value_pair(std::string_view name, std::string_view value) {
    const Bytes pair = certs::der::sequence({bmp_string(name), bmp_string(value)});
    return certs::der::sequence(
        {certs::der::oid(certs::oid::kNameValuePair), certs::der::set({pair})});
}

}  // namespace

Grant make_grant(const GrantSpec& spec) {
    certs::CsrContents contents;
    for (const auto& [name, value] : spec.asks)
        contents.more_attributes.push_back(name_value_pair(name, value));
    const auto request = make_request(spec.device_key, contents, spec.purpose);
    policy::GrantMaker maker(request, "test");
    const auto subject = spec.subject_der.empty() ? certs::Name::from_text(spec.subject)
                                                  : certs::Name::from_der(spec.subject_der);
    maker.names(subject.value(), spec.subject_alt_name)
        .key_usage(spec.key_usage)
        .extended_key_usage(spec.extended_key_usage)
        .max_validity(spec.max_validity)
        .sid(spec.sid)
        .identities(spec.device_id, spec.user_id);
    return std::move(maker).make();
}

certs::GeneralName general_name(certs::GeneralNameType type, std::string_view value) {
    return certs::GeneralName::make(type, value).value();
}

Template device_template() {
    using enum certs::KeyUsageBit;
    Template tmpl;
    tmpl.name = "device";
    tmpl.key_usage = {kDigitalSignature, kKeyEncipherment};
    tmpl.extended_key_usage = {certs::extended_key_usage_from_text("clientAuth").value()};
    return tmpl;
}

certs::Certificate make_ca_certificate(const CaSpec& spec) {
    const Bytes name = certs::Name::from_text(spec.subject).value().der();
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = name;
    contents.subject_der = name;
    contents.not_before = spec.not_before;
    contents.not_after = spec.not_after;
    contents.spki = to_bytes(spec.key.public_key().spki());
    const Bytes identifier = spec.key_identifier.value_or(spec.key.public_key().key_identifier());
    contents.extensions = {certs::basic_constraints_extension(spec.ca),
                           certs::encode_extension(certs::oid::kSubjectKeyIdentifier, false,
                                                   certs::der::octet_string(identifier))};
    if (spec.key_usage) contents.extensions.push_back(certs::key_usage_extension(*spec.key_usage));
    contents.extensions.insert(contents.extensions.end(), spec.more_extensions.begin(),
                               spec.more_extensions.end());
    return certs::build_certificate(contents, spec.key, certs::Digest::kSha256).value();
}

EmbeddedCaSettings ca_settings(const CaSpec& spec) {
    EmbeddedCaSettings settings;
    settings.name = "lab";
    settings.chain = {make_ca_certificate(spec)};
    settings.key = spec.key;
    settings.templates = {{"device", device_template()}};
    return settings;
}

Result<IssueOutcome, Refusal> issue(EmbeddedCa& ca, const Grant& grant,
                                    const std::string& template_name) {
    const IssueContext context{
        .endpoint = "/scep", .template_name = template_name, .transaction_id = "transaction-1"};
    return wait_for(ca.issue(grant, context));
}

IssuedCertificate issue_ok(EmbeddedCa& ca, const Grant& grant, const std::string& template_name) {
    auto outcome = issue(ca, grant, template_name);
    return std::get<IssuedCertificate>(std::move(outcome).value());
}

std::shared_ptr<EmbeddedCa> make_ca(EmbeddedCaSettings settings, std::int64_t now) {
    return EmbeddedCa::create(std::move(settings), std::make_shared<certs::FixedClock>(now))
        .value();
}

}  // namespace scepgate::ca_backend::testing
