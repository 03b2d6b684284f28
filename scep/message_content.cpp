// What CertPoll, GetCert and GetCRL ask after.
#include "scep/message_content.hpp"

#include "scep/equal_work.hpp"

namespace scepgate::scep {
namespace {

constexpr std::size_t kLongestSerial = 32;

ByteView without_leading_zeros(ByteView octets) noexcept {
    while (octets.size() > 1 && octets.front() == 0)
        octets = octets.subspan(1);
    return octets;
}

Result<certs::Name> read_name(certs::DerReader& reader, std::string_view what) {
    const auto der = reader.read_whole(certs::DerTag::kSequence);
    if (!der) return in_context(what, der.error());
    auto name = certs::Name::from_der(*der);
    if (!name) return in_context(what, name.error());
    return name;
}

Result<certs::Name> read_issuer(certs::DerReader& reader) {
    auto name = read_name(reader, "issuer");
    if (name && name->empty()) return malformed("empty issuer");
    return name;
}

/// The content of a message of this type.
template <class Content>
Result<Content, Refusal> read_content(const PkiMessage& message, MessageType type,
                                      Result<Content> (*parse)(ByteView)) {
    if (message.type() != type) {
        return Refusal{FailInfo::kBadRequest, "MessageTypeUnsupported",
                       std::string(to_text(message.type())) + " where " +
                           std::string(to_text(type)) + " belongs"};
    }
    auto content = parse(message.content());
    if (content) return std::move(*content);
    check_a_signature_for_nothing();
    return undecryptable();
}

}  // namespace

Result<IssuerAndSubject> parse_issuer_and_subject(ByteView der) {
    certs::DerReader outer(der);
    const auto content = outer.read(certs::DerTag::kSequence);
    if (!content) return in_context("IssuerAndSubject", content.error());
    if (const auto end = outer.finish("IssuerAndSubject"); !end) return end.error();
    certs::DerReader fields(*content);
    auto issuer = read_issuer(fields);
    if (!issuer) return in_context("IssuerAndSubject", issuer.error());
    auto subject = read_name(fields, "subject");
    if (!subject) return in_context("IssuerAndSubject", subject.error());
    if (const auto end = fields.finish("IssuerAndSubject"); !end) return end.error();
    return IssuerAndSubject{std::move(*issuer), std::move(*subject)};
}

Result<IssuerAndSerial> parse_issuer_and_serial(ByteView der) {
    certs::DerReader outer(der);
    const auto content = outer.read(certs::DerTag::kSequence);
    if (!content) return in_context("IssuerAndSerialNumber", content.error());
    if (const auto end = outer.finish("IssuerAndSerialNumber"); !end) return end.error();
    certs::DerReader fields(*content);
    auto issuer = read_issuer(fields);
    if (!issuer) return in_context("IssuerAndSerialNumber", issuer.error());
    const auto serial = fields.read(certs::DerTag::kInteger);
    if (!serial) return in_context("IssuerAndSerialNumber", serial.error());
    if (const auto end = fields.finish("IssuerAndSerialNumber"); !end) return end.error();
    const ByteView number = without_leading_zeros(*serial);
    if (number.empty() || number.size() > kLongestSerial) {
        return malformed("IssuerAndSerialNumber: serial number of " +
                         std::to_string(number.size()) + " octets");
    }
    return IssuerAndSerial{std::move(*issuer), to_bytes(number)};
}

bool IssuerAndSerial::names(const certs::Certificate& certificate) const {
    return certs::same_name(issuer.der(), certificate.issuer_der()) &&
           equal(serial, without_leading_zeros(certificate.serial()));
}

Result<IssuerAndSubject, Refusal> read_cert_poll(const PkiMessage& message) {
    return read_content(message, MessageType::kCertPoll, &parse_issuer_and_subject);
}

Result<IssuerAndSerial, Refusal> read_get_cert(const PkiMessage& message) {
    return read_content(message, MessageType::kGetCert, &parse_issuer_and_serial);
}

Result<IssuerAndSerial, Refusal> read_get_crl(const PkiMessage& message) {
    return read_content(message, MessageType::kGetCrl, &parse_issuer_and_serial);
}

Bytes encode_issuer_and_subject(const certs::Name& issuer, const certs::Name& subject) {
    return certs::der::sequence({issuer.der(), subject.der()});
}

}  // namespace scepgate::scep
