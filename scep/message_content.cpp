// What GetCert and GetCRL ask after.
#include "scep/message_content.hpp"

#include "scep/equal_work.hpp"
#include "scep/reasons.hpp"

namespace scepgate::scep {
namespace {

constexpr std::size_t kLongestSerial = 32;

ByteView without_leading_zeros(ByteView octets) noexcept {
    while (octets.size() > 1 && octets.front() == 0)
        octets = octets.subspan(1);
    return octets;
}

Result<certs::Name> read_issuer(certs::DerReader& reader) {
    const auto der = reader.read_whole(certs::DerTag::kSequence);
    if (!der) return in_context("issuer", der.error());
    auto name = certs::Name::from_der(*der);
    if (!name) return in_context("issuer", name.error());
    if (name->empty()) return malformed("empty issuer");
    return name;
}

Result<IssuerAndSerial, Refusal> read_look_up(const PkiMessage& message, MessageType type) {
    if (message.type() != type) {
        return refused(reason::kMessageType, std::string(to_text(type)),
                       std::string(to_text(message.type())));
    }
    auto content = parse_issuer_and_serial(message.content());
    if (content) return std::move(*content);
    check_a_signature_for_nothing(message.content());
    // To its sender, a certificate that is not known. Nothing inside proves who wrote it: were the
    // two told apart, a sniffed request could be cut up, sent as one of these and read, octet by
    // octet, by its padding.
    Refusal refusal = undecryptable();
    refusal.fail_info = FailInfo::kBadCertId;
    return refusal;
}

}  // namespace

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

Result<IssuerAndSerial, Refusal> read_get_cert(const PkiMessage& message) {
    return read_look_up(message, MessageType::kGetCert);
}

Result<IssuerAndSerial, Refusal> read_get_crl(const PkiMessage& message) {
    return read_look_up(message, MessageType::kGetCrl);
}

Bytes encode_issuer_and_subject(const certs::Name& issuer, const certs::Name& subject) {
    return certs::der::sequence({issuer.der(), subject.der()});
}

}  // namespace scepgate::scep
