#include "certs/crl_entry.hpp"

#include "certs/ca_oids.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

//   -- reasonCode ::= { CRLReason }
//   CRLReason ::= ENUMERATED { unspecified (0), keyCompromise (1), ... }
Result<RevocationReason> parse_reason(ByteView value) {
    DerReader reader(value);
    const auto octets = reader.read(DerTag::kEnumerated);
    if (!octets) return octets.error();
    if (const auto end = reader.finish("reasonCode"); !end) return end.error();
    if (octets->size() != 1) return malformed("a reasonCode without a meaning");
    return revocation_reason_from_number((*octets)[0]);
}

//   InvalidityDate ::=  GeneralizedTime
Result<std::int64_t> parse_invalidity_date(ByteView value) {
    DerReader reader(value);
    const auto element = reader.next();
    if (!element) return in_context("invalidityDate", element.error());
    if (const auto end = reader.finish("invalidityDate"); !end) return end.error();
    if (element->tag != DerTag::kGeneralizedTime) {
        return malformed("invalidityDate: no GeneralizedTime");
    }
    return read_time(*element);
}

//   crlEntryExtensions      Extensions OPTIONAL
Result<void> parse_entry_extensions(ByteView whole, Crl::Entry& entry) {
    const auto extensions = parse_extensions(whole);
    if (!extensions) return extensions.error();
    for (const Extension& extension : *extensions) {
        if (equal(extension.oid, oid::kReasonCode)) {
            const auto reason = parse_reason(extension.value);
            if (!reason) return reason.error();
            entry.reason = *reason;
        } else if (equal(extension.oid, oid::kInvalidityDate)) {
            const auto date = parse_invalidity_date(extension.value);
            if (!date) return date.error();
            entry.invalidity_date = *date;
        } else if (extension.critical || equal(extension.oid, oid::kCertificateIssuer)) {
            return unsupported("CRL entry with extension " + oid_to_text(extension.oid));
        }
    }
    return {};
}

}  // namespace

Result<ByteView> read_non_negative(DerReader& reader, std::string_view what) {
    const auto octets = reader.read(DerTag::kInteger);
    if (!octets) return octets.error();
    const bool negative = !octets->empty() && ((*octets)[0] & 0x80) != 0;
    const bool padded = octets->size() > 1 && (*octets)[0] == 0 && ((*octets)[1] & 0x80) == 0;
    if (octets->empty() || negative || padded) {
        return malformed(std::string(what) + " that is no non-negative INTEGER in DER");
    }
    const bool sign_octet = octets->size() > 1 && (*octets)[0] == 0;
    return octets->subspan(sign_octet ? 1 : 0);
}

bool is_less_number(ByteView left, ByteView right) noexcept {
    if (left.size() != right.size()) return left.size() < right.size();
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
}

//   SEQUENCE  {
//        userCertificate         CertificateSerialNumber,
//        revocationDate          Time,
//        crlEntryExtensions      Extensions OPTIONAL }
Result<Crl::Entry> parse_crl_entry(ByteView content) {
    DerReader fields(content);
    Crl::Entry entry;
    const auto serial = read_non_negative(fields, "a serial number");
    if (!serial) return serial.error();
    entry.serial = *serial;
    const auto time = fields.next();
    if (!time) return time.error();
    const auto revoked_at = read_time(*time);
    if (!revoked_at) return revoked_at.error();
    entry.revoked_at = *revoked_at;
    if (!fields.empty()) {
        const auto extensions = fields.read_whole(DerTag::kSequence);
        if (!extensions) return extensions.error();
        const auto read = parse_entry_extensions(*extensions, entry);
        if (!read) return read.error();
    }
    if (const auto end = fields.finish("CRL entry"); !end) return end.error();
    return entry;
}

}  // namespace scepgate::certs
