#include "certs/certificate_builder.hpp"

#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kSerialOctets = 16;
constexpr std::size_t kMaxSerialOctets = 20;  // RFC 5280 section 4.1.2.2, once encoded

//   Certificate  ::=  SEQUENCE  {
//        tbsCertificate       TBSCertificate,
//        signatureAlgorithm   AlgorithmIdentifier,
//        signatureValue       BIT STRING  }
Result<Certificate> sign(ByteView tbs, ByteView algorithm, const PrivateKey& signer,
                         Digest digest) {
    const auto signature = signer.sign(digest, tbs);
    if (!signature) return signature.error();
    auto certificate =
        Certificate::from_der(der::sequence({tbs, algorithm, der::bit_string(*signature)}));
    if (!certificate) return certificate.error();
    if (!certificate->signed_by(signer.public_key())) {
        return Error{Errc::kInternal,
                     "the signature made on a certificate does not verify: a fault of the "
                     "machine or of the key store; the certificate was thrown away"};
    }
    return certificate;
}

}  // namespace

Digest digest_for(const PublicKey& key) noexcept {
    if (key.type() == KeyType::kEc && key.bits() > 384) return Digest::kSha512;
    if (key.type() == KeyType::kEc && key.bits() > 256) return Digest::kSha384;
    return Digest::kSha256;
}

Result<Certificate> build_certificate(const CertificateContents& contents, const PrivateKey& signer,
                                      Digest digest) {
    const Bytes serial = der::unsigned_integer(contents.serial);
    DerReader serial_reader(serial);
    const auto serial_octets = serial_reader.read(DerTag::kInteger);
    if (!serial_octets) return serial_octets.error();
    const bool zero = std::all_of(contents.serial.begin(), contents.serial.end(),
                                  [](std::uint8_t octet) { return octet == 0; });
    if (zero || serial_octets->size() > kMaxSerialOctets) {
        return malformed("certificate: a serial number has 1 to 20 octets and is not zero");
    }
    if (contents.not_after < contents.not_before) {
        return malformed("certificate: it would end before it starts");
    }

    const Bytes algorithm = signature_identifier(signer.signature_algorithm(digest));
    Bytes extensions;
    if (!contents.extensions.empty()) {
        for (const Bytes& extension : contents.extensions)
            extensions.insert(extensions.end(), extension.begin(), extension.end());
        extensions =
            der::element(context_constructed(3), der::element(DerTag::kSequence, extensions));
    }
    const Bytes tbs = der::sequence({
        der::element(context_constructed(0), der::integer(2)),  // v3
        serial,
        algorithm,
        contents.issuer_der,
        der::sequence({der::time(contents.not_before), der::time(contents.not_after)}),
        contents.subject_der,
        contents.spki,
        extensions,
    });
    auto certificate = sign(tbs, algorithm, signer, digest);
    if (!certificate) return certificate.error();
    // Read back, so that a field that is more or less than one element cannot shift the others.
    const bool as_asked = equal(certificate->issuer_der(), contents.issuer_der) &&
                          equal(certificate->subject_der(), contents.subject_der) &&
                          equal(certificate->spki(), contents.spki) &&
                          certificate->extensions().size() == contents.extensions.size();
    if (!as_asked) return malformed("certificate: a field to be put in is not one DER element");
    return certificate;
}

Bytes random_serial() {
    Bytes serial;
    do {
        serial = random_bytes(kSerialOctets);
    } while (std::all_of(serial.begin(), serial.end(), [](auto octet) { return octet == 0; }));
    return serial;
}

Bytes basic_constraints_extension(bool ca, std::optional<int> path_length) {
    const Bytes value = der::sequence({ca ? der::boolean(true) : Bytes{},
                                       ca && path_length ? der::integer(*path_length) : Bytes{}});
    return encode_extension(oid::kBasicConstraints, true, value);
}

Bytes key_usage_extension(KeyUsage usage) {
    return encode_extension(oid::kKeyUsage, true, usage.der());
}

Bytes extended_key_usage_extension(const ExtendedKeyUsage& usages, bool critical) {
    return encode_extension(oid::kExtKeyUsage, critical, encode_extended_key_usage(usages));
}

Bytes subject_key_identifier_extension(const PublicKey& key) {
    return subject_key_identifier_extension(ByteView(key.key_identifier()));
}

Bytes subject_key_identifier_extension(ByteView key_identifier) {
    return encode_extension(oid::kSubjectKeyIdentifier, false, der::octet_string(key_identifier));
}

//   AuthorityKeyIdentifier ::= SEQUENCE {
//      keyIdentifier             [0] KeyIdentifier           OPTIONAL, ... }
Bytes authority_key_identifier_extension(ByteView issuer_key_identifier) {
    return encode_extension(
        oid::kAuthorityKeyIdentifier, false,
        der::sequence({der::element(context_primitive(0), issuer_key_identifier)}));
}

Bytes subject_alt_name_extension(const GeneralNames& names, bool critical) {
    return encode_extension(oid::kSubjectAltName, critical, encode_general_names(names));
}

}  // namespace scepgate::certs
