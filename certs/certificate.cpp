#include "certs/certificate.hpp"

#include <limits>

#include "certs/issuer_signature.hpp"
#include "certs/oids.hpp"
#include "certs/signed_structure.hpp"

namespace scepgate::certs {

struct Certificate::State {
    Bytes der;
    // All of these lie in `der`.
    ByteView tbs;
    ByteView serial;
    ByteView issuer;
    ByteView subject;
    ByteView spki;
    ByteView inner_algorithm;  ///< TBSCertificate.signature, whole
    ByteView outer_algorithm;  ///< Certificate.signatureAlgorithm, whole
    ByteView signature;
    std::int64_t not_before = std::numeric_limits<std::int64_t>::max();
    std::int64_t not_after = std::numeric_limits<std::int64_t>::min();
    std::vector<Extension> extensions;

    Result<void> parse();

private:
    Result<void> parse_tbs(ByteView content);
    Result<void> parse_validity(ByteView content);
    Result<void> parse_optional_fields(DerReader& fields);
};

namespace {

std::string name_text(ByteView der) {
    const auto name = Name::from_der(der);
    return name ? name->text() : "(unreadable name)";
}

}  // namespace

//   Certificate  ::=  SEQUENCE  {
//        tbsCertificate       TBSCertificate,
//        signatureAlgorithm   AlgorithmIdentifier,
//        signatureValue       BIT STRING  }
Result<void> Certificate::State::parse() {
    const auto parts = read_signed_structure(der, "certificate");
    if (!parts) return parts.error();
    tbs = parts->to_be_signed;
    outer_algorithm = parts->algorithm;
    signature = parts->signature;
    return parse_tbs(parts->content);
}

//   TBSCertificate  ::=  SEQUENCE  {
//        version         [0]  EXPLICIT Version DEFAULT v1,
//        serialNumber         CertificateSerialNumber,
//        signature            AlgorithmIdentifier,
//        issuer               Name,
//        validity             Validity,
//        subject              Name,
//        subjectPublicKeyInfo SubjectPublicKeyInfo,
Result<void> Certificate::State::parse_tbs(ByteView content) {
    DerReader fields(content);
    const auto version = fields.read_optional(context_constructed(0));
    if (!version) return version.error();
    if (*version) {
        DerReader number(**version);
        const auto value = number.read_small_integer();
        if (!value) return value.error();
        if (const auto end = number.finish("version"); !end) return end.error();
    }
    const auto number = fields.read(DerTag::kInteger);
    if (!number) return number.error();
    if (number->empty()) return malformed("serial number without octets");
    serial = *number;
    const auto algorithm = fields.read_whole(DerTag::kSequence);
    if (!algorithm) return algorithm.error();
    inner_algorithm = *algorithm;
    const auto issuer_name = fields.read_whole(DerTag::kSequence);
    if (!issuer_name) return issuer_name.error();
    issuer = *issuer_name;
    const auto validity = fields.read(DerTag::kSequence);
    if (!validity) return validity.error();
    if (const auto read = parse_validity(*validity); !read) return read.error();
    const auto subject_name = fields.read_whole(DerTag::kSequence);
    if (!subject_name) return subject_name.error();
    subject = *subject_name;
    const auto key = fields.read_whole(DerTag::kSequence);
    if (!key) return key.error();
    spki = *key;
    return parse_optional_fields(fields);
}

//   Validity ::= SEQUENCE {
//        notBefore      Time,
//        notAfter       Time }
Result<void> Certificate::State::parse_validity(ByteView content) {
    DerReader fields(content);
    const auto from = fields.next();
    if (!from) return from.error();
    const auto until = fields.next();
    if (!until) return until.error();
    if (const auto end = fields.finish("validity"); !end) return end.error();
    // A date that cannot be read makes a certificate that is never valid, not one that is lost.
    const auto from_time = read_time(*from);
    const auto until_time = read_time(*until);
    not_before = from_time ? *from_time : std::numeric_limits<std::int64_t>::max();
    not_after = until_time ? *until_time : std::numeric_limits<std::int64_t>::min();
    return {};
}

//        issuerUniqueID  [1]  IMPLICIT UniqueIdentifier OPTIONAL,
//        subjectUniqueID [2]  IMPLICIT UniqueIdentifier OPTIONAL,
//        extensions      [3]  EXPLICIT Extensions OPTIONAL }
Result<void> Certificate::State::parse_optional_fields(DerReader& fields) {
    for (const unsigned tag : {1U, 2U}) {
        if (const auto id = fields.read_optional(context_primitive(tag)); !id) return id.error();
    }
    const auto wrapped = fields.read_optional(context_constructed(3));
    if (!wrapped) return wrapped.error();
    if (*wrapped) {
        auto parsed = parse_extensions(**wrapped);
        if (!parsed) return parsed.error();
        extensions = std::move(*parsed);
    }
    return fields.finish("TBSCertificate");
}

Certificate::Certificate(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

Result<Certificate> Certificate::from_der(ByteView der) {
    auto state = std::make_shared<State>();
    state->der = to_bytes(der);
    if (const auto parsed = state->parse(); !parsed) {
        return in_context("certificate", parsed.error());
    }
    return Certificate(std::move(state));
}

const Certificate::State& Certificate::state() const noexcept {
    static const State none;
    return state_ ? *state_ : none;
}

ByteView Certificate::der() const noexcept {
    return state().der;
}
ByteView Certificate::tbs() const noexcept {
    return state().tbs;
}
ByteView Certificate::serial() const noexcept {
    return state().serial;
}
ByteView Certificate::issuer_der() const noexcept {
    return state().issuer;
}
ByteView Certificate::subject_der() const noexcept {
    return state().subject;
}
std::int64_t Certificate::not_before() const noexcept {
    return state().not_before;
}
std::int64_t Certificate::not_after() const noexcept {
    return state().not_after;
}
ByteView Certificate::spki() const noexcept {
    return state().spki;
}
const std::vector<Extension>& Certificate::extensions() const noexcept {
    return state().extensions;
}

std::string Certificate::serial_hex() const {
    const ByteView octets = serial();
    const bool sign_octet = octets.size() > 1 && octets[0] == 0;
    return to_hex(octets.subspan(sign_octet ? 1 : 0));
}

std::string Certificate::subject_text() const {
    return name_text(subject_der());
}

std::string Certificate::issuer_text() const {
    return name_text(issuer_der());
}

Sha256 Certificate::fingerprint() const {
    return sha256(der());
}

Result<PublicKey> Certificate::public_key(const KeyLimits& limits) const {
    return PublicKey::from_spki(spki(), limits);
}

Result<std::optional<KeyUsage>> Certificate::key_usage() const {
    const Extension* extension = find_extension(extensions(), oid::kKeyUsage);
    if (extension == nullptr) return std::optional<KeyUsage>{};
    const auto usage = KeyUsage::from_der(extension->value);
    if (!usage) return usage.error();
    return std::optional<KeyUsage>{*usage};
}

Result<std::optional<ExtendedKeyUsage>> Certificate::extended_key_usage() const {
    const Extension* extension = find_extension(extensions(), oid::kExtKeyUsage);
    if (extension == nullptr) return std::optional<ExtendedKeyUsage>{};
    auto usages = parse_extended_key_usage(extension->value);
    if (!usages) return usages.error();
    return std::optional<ExtendedKeyUsage>{std::move(*usages)};
}

std::optional<ByteView> Certificate::subject_key_identifier() const noexcept {
    const Extension* extension = find_extension(extensions(), oid::kSubjectKeyIdentifier);
    if (extension == nullptr) return std::nullopt;
    DerReader reader(extension->value);
    const auto identifier = reader.read(DerTag::kOctetString);
    if (!identifier || !reader.empty()) return std::nullopt;
    return *identifier;
}

Result<bool> Certificate::is_ca() const {
    const Extension* extension = find_extension(extensions(), oid::kBasicConstraints);
    if (extension == nullptr) return false;
    return parse_basic_constraints(extension->value);
}

bool Certificate::self_issued() const noexcept {
    return *this && equal(issuer_der(), subject_der());
}

Bytes Certificate::issuer_and_serial() const {
    return der::sequence({issuer_der(), der::element(DerTag::kInteger, serial())});
}

bool Certificate::signed_by(const PublicKey& issuer_key) const {
    // RFC 5280 section 4.1.1.2: both identifiers are the same; only the inner one is signed.
    if (!equal(state().inner_algorithm, state().outer_algorithm)) return false;
    return check_issuer_signature(state().outer_algorithm, issuer_key, tbs(), state().signature)
        .has_value();
}

}  // namespace scepgate::certs
