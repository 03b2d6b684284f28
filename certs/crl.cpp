#include "certs/crl.hpp"

#include "certs/oids.hpp"
#include "certs/signed_structure.hpp"

namespace scepgate::certs {
namespace {

/// The octets of a positive INTEGER, without a sign octet.
Result<ByteView> read_positive(DerReader& reader, std::string_view what) {
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

Result<std::int64_t> read_time_field(DerReader& reader) {
    const auto element = reader.next();
    if (!element) return element.error();
    return read_time(*element);
}

//   -- reasonCode ::= { CRLReason }
//   CRLReason ::= ENUMERATED { unspecified (0), keyCompromise (1), ... }
Result<RevocationReason> parse_reason(ByteView value) {
    DerReader reader(value);
    const auto octets = reader.read(DerTag::kEnumerated);
    if (!octets) return octets.error();
    if (const auto end = reader.finish("reasonCode"); !end) return end.error();
    if (octets->size() != 1) return malformed("a reasonCode without a meaning");
    const auto reason = revocation_reason_from_number((*octets)[0]);
    if (reason && *reason == RevocationReason::kRemoveFromCrl) {
        return malformed("removeFromCRL in a complete CRL");
    }
    return reason;
}

//   crlEntryExtensions      Extensions OPTIONAL
Result<RevocationReason> parse_entry_extensions(ByteView whole) {
    const auto extensions = parse_extensions(whole);
    if (!extensions) return extensions.error();
    auto reason = RevocationReason::kUnspecified;
    for (const Extension& extension : *extensions) {
        if (equal(extension.oid, oid::kReasonCode)) {
            const auto parsed = parse_reason(extension.value);
            if (!parsed) return parsed.error();
            reason = *parsed;
        } else if (extension.critical || equal(extension.oid, oid::kCertificateIssuer)) {
            return unsupported("CRL entry with extension " + oid_to_text(extension.oid));
        }
    }
    return reason;
}

//   SEQUENCE  {
//        userCertificate         CertificateSerialNumber,
//        revocationDate          Time,
//        crlEntryExtensions      Extensions OPTIONAL }
Result<Crl::Entry> parse_entry(ByteView content) {
    DerReader fields(content);
    Crl::Entry entry;
    const auto serial = read_positive(fields, "a serial number");
    if (!serial) return serial.error();
    entry.serial = *serial;
    const auto revoked_at = read_time_field(fields);
    if (!revoked_at) return revoked_at.error();
    entry.revoked_at = *revoked_at;
    if (!fields.empty()) {
        const auto extensions = fields.read_whole(DerTag::kSequence);
        if (!extensions) return extensions.error();
        const auto reason = parse_entry_extensions(*extensions);
        if (!reason) return reason.error();
        entry.reason = *reason;
    }
    if (const auto end = fields.finish("CRL entry"); !end) return end.error();
    return entry;
}

/// By number: a shorter one is less.
bool less(ByteView left, ByteView right) {
    if (left.size() != right.size()) return left.size() < right.size();
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
}

}  // namespace

struct Crl::State {
    Bytes der;
    // All of these lie in `der`.
    ByteView tbs;
    ByteView issuer;
    ByteView inner_algorithm;
    ByteView outer_algorithm;
    ByteView signature;
    ByteView number;
    std::optional<ByteView> authority_key_identifier;
    std::int64_t this_update = 0;
    std::int64_t next_update = 0;
    std::vector<Entry> entries;

    Result<void> parse();

private:
    Result<void> parse_tbs(ByteView content);
    Result<void> parse_entries(ByteView content);
    Result<void> parse_extension_list(ByteView whole);
};

//   CertificateList  ::=  SEQUENCE  {
//        tbsCertList          TBSCertList,
//        signatureAlgorithm   AlgorithmIdentifier,
//        signatureValue       BIT STRING  }
Result<void> Crl::State::parse() {
    const auto parts = read_signed_structure(der, "CRL");
    if (!parts) return parts.error();
    tbs = parts->to_be_signed;
    outer_algorithm = parts->algorithm;
    signature = parts->signature;
    return parse_tbs(parts->content);
}

//   TBSCertList  ::=  SEQUENCE  {
//        version                 Version OPTIONAL, -- if present, MUST be v2
//        signature               AlgorithmIdentifier,
//        issuer                  Name,
//        thisUpdate              Time,
//        nextUpdate              Time OPTIONAL,
//        revokedCertificates     SEQUENCE OF SEQUENCE { ... } OPTIONAL,
//        crlExtensions           [0]  EXPLICIT Extensions OPTIONAL }
Result<void> Crl::State::parse_tbs(ByteView content) {
    DerReader fields(content);
    const auto version = fields.read_small_integer();
    if (!version || *version != 1) return unsupported("not of version 2");
    const auto algorithm = fields.read_whole(DerTag::kSequence);
    if (!algorithm) return algorithm.error();
    inner_algorithm = *algorithm;
    if (!equal(inner_algorithm, outer_algorithm)) {
        return malformed("it names two signature algorithms");
    }
    const auto name = fields.read_whole(DerTag::kSequence);
    if (!name) return name.error();
    issuer = *name;
    const auto from = read_time_field(fields);
    if (!from) return in_context("thisUpdate", from.error());
    this_update = *from;
    const auto until = read_time_field(fields);
    if (!until) return in_context("nextUpdate", until.error());
    next_update = *until;
    if (next_update < this_update) return malformed("nextUpdate lies before thisUpdate");
    const auto revoked = fields.read_optional(DerTag::kSequence);
    if (!revoked) return revoked.error();
    if (*revoked) {
        if (const auto read = parse_entries(**revoked); !read) return read.error();
    }
    const auto wrapped = fields.read_optional(context_constructed(0));
    if (!wrapped) return wrapped.error();
    if (*wrapped) {
        if (const auto read = parse_extension_list(**wrapped); !read) return read.error();
    }
    return fields.finish("TBSCertList");
}

Result<void> Crl::State::parse_entries(ByteView content) {
    DerReader list(content);
    while (!list.empty()) {
        const auto one = list.read(DerTag::kSequence);
        if (!one) return one.error();
        const auto entry = parse_entry(*one);
        if (!entry) return entry.error();
        entries.push_back(*entry);
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& left, const Entry& right) {
        return less(left.serial, right.serial);
    });
    const auto twice = std::adjacent_find(
        entries.begin(), entries.end(),
        [](const Entry& left, const Entry& right) { return equal(left.serial, right.serial); });
    if (twice != entries.end()) return malformed("a serial number stands in it twice");
    return {};
}

Result<void> Crl::State::parse_extension_list(ByteView whole) {
    const auto extensions = parse_extensions(whole);
    if (!extensions) return extensions.error();
    for (const Extension& extension : *extensions) {
        DerReader value(extension.value);
        if (equal(extension.oid, oid::kCrlNumber)) {
            const auto read = read_positive(value, "a CRL number");
            if (!read) return read.error();
            if (const auto end = value.finish("CRL number"); !end) return end.error();
            number = *read;
        } else if (equal(extension.oid, oid::kAuthorityKeyIdentifier)) {
            const auto fields = value.read(DerTag::kSequence);
            if (!fields) return fields.error();
            if (const auto end = value.finish("authorityKeyIdentifier"); !end) return end.error();
            DerReader reader(*fields);
            const auto identifier = reader.read_optional(context_primitive(0));
            if (!identifier) return identifier.error();
            authority_key_identifier = *identifier;
        } else if (extension.critical || equal(extension.oid, oid::kIssuingDistributionPoint) ||
                   equal(extension.oid, oid::kDeltaCrlIndicator)) {
            return unsupported("extension " + oid_to_text(extension.oid) +
                               ": not a complete CRL of its issuer");
        }
    }
    return {};
}

Crl::Crl(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

Result<Crl> Crl::from_der(ByteView der) {
    auto state = std::make_shared<State>();
    state->der = to_bytes(der);
    if (const auto parsed = state->parse(); !parsed) return in_context("CRL", parsed.error());
    return Crl(std::move(state));
}

const Crl::State& Crl::state() const noexcept {
    static const State none;
    return state_ ? *state_ : none;
}

ByteView Crl::der() const noexcept {
    return state().der;
}
ByteView Crl::issuer_der() const noexcept {
    return state().issuer;
}
std::int64_t Crl::this_update() const noexcept {
    return state().this_update;
}
std::int64_t Crl::next_update() const noexcept {
    return state().next_update;
}
ByteView Crl::number() const noexcept {
    return state().number;
}
std::optional<ByteView> Crl::authority_key_identifier() const noexcept {
    return state().authority_key_identifier;
}
const std::vector<Crl::Entry>& Crl::entries() const noexcept {
    return state().entries;
}

std::string Crl::pem() const {
    constexpr std::size_t kLine = 64;
    const std::string base64 = to_base64(der());
    std::string text = "-----BEGIN X509 CRL-----\n";
    for (std::size_t at = 0; at < base64.size(); at += kLine)
        text += base64.substr(at, kLine) + "\n";
    return text + "-----END X509 CRL-----\n";
}

const Crl::Entry* Crl::find(ByteView serial) const noexcept {
    while (serial.size() > 1 && serial.front() == 0)
        serial = serial.subspan(1);
    const auto& all = entries();
    const auto at = std::lower_bound(
        all.begin(), all.end(), serial,
        [](const Entry& entry, ByteView wanted) { return less(entry.serial, wanted); });
    return at != all.end() && equal(at->serial, serial) ? &*at : nullptr;
}

bool Crl::signed_by(const PublicKey& issuer_key) const {
    if (!*this) return false;
    DerReader reader(state().outer_algorithm);
    const auto identifier = read_algorithm(reader);
    if (!identifier) return false;
    const auto algorithm = parse_signature_algorithm(*identifier);
    return algorithm && issuer_key.verifies(*algorithm, state().tbs, state().signature);
}

}  // namespace scepgate::certs
