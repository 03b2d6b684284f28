#include "certs/cms_signed_data.hpp"

#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

Result<CmsAttribute> read_attribute(DerReader& reader, const CmsLimits& limits) {
    // Attribute ::= SEQUENCE {
    const auto content = reader.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    //   attrType OBJECT IDENTIFIER,
    const auto type = fields.read_oid();
    if (!type) return type.error();
    //   attrValues SET OF AttributeValue }
    const auto set = fields.read(DerTag::kSet);
    if (!set) return set.error();
    if (const auto end = fields.finish("Attribute"); !end) return end.error();

    CmsAttribute attribute{*type, {}};
    for (DerReader values(*set); !values.empty();) {
        if (attribute.values.size() == limits.attributes) return malformed("too many values");
        const auto value = values.next();
        if (!value) return value.error();
        attribute.values.push_back(*value);
    }
    return attribute;
}

Result<std::vector<CmsAttribute>> read_attributes(ByteView set, const CmsLimits& limits) {
    std::vector<CmsAttribute> attributes;
    for (DerReader reader(set); !reader.empty();) {
        if (attributes.size() == limits.attributes) return malformed("too many signed attributes");
        auto attribute = read_attribute(reader, limits);
        if (!attribute) return in_context("signed attribute", attribute.error());
        attributes.push_back(std::move(*attribute));
    }
    return attributes;
}

Result<CmsSignerInfo> read_signer_info(DerReader& reader, const CmsLimits& limits) {
    // SignerInfo ::= SEQUENCE {
    const auto content = reader.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    CmsSignerInfo signer;
    //   version CMSVersion,
    if (const auto version = fields.read_small_integer(); !version) return version.error();
    //   sid SignerIdentifier,
    const auto sid = read_certificate_reference(fields);
    if (!sid) return sid.error();
    signer.signer = *sid;
    //   digestAlgorithm DigestAlgorithmIdentifier,
    const auto digest = read_algorithm(fields);
    if (!digest) return digest.error();
    signer.digest = *digest;
    //   signedAttrs [0] IMPLICIT SignedAttributes OPTIONAL,
    if (fields.at(context_constructed(0))) {
        const auto whole = fields.next();
        if (!whole) return whole.error();
        auto attributes = read_attributes(whole->content, limits);
        if (!attributes) return attributes.error();
        signer.signed_attributes_der = whole->whole;
        signer.signed_attributes = std::move(*attributes);
    }
    //   signatureAlgorithm SignatureAlgorithmIdentifier,
    const auto algorithm = read_algorithm(fields);
    if (!algorithm) return algorithm.error();
    signer.signature_algorithm = *algorithm;
    //   signature SignatureValue,
    const auto signature = fields.read(DerTag::kOctetString);
    if (!signature) return signature.error();
    signer.signature = *signature;
    //   unsignedAttrs [1] IMPLICIT UnsignedAttributes OPTIONAL }
    const auto unsigned_attributes = fields.read_optional(context_constructed(1));
    if (!unsigned_attributes) return unsigned_attributes.error();
    if (const auto end = fields.finish("SignerInfo"); !end) return end.error();
    return signer;
}

// EncapsulatedContentInfo ::= SEQUENCE {
//   eContentType ContentType,
//   eContent [0] EXPLICIT OCTET STRING OPTIONAL }
Result<void> read_content(DerReader& reader, CmsSignedData& data) {
    const auto content = reader.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    const auto type = fields.read_oid();
    if (!type) return type.error();
    data.content_type = *type;
    const auto wrapped = fields.read_optional(context_constructed(0));
    if (!wrapped) return wrapped.error();
    if (*wrapped) {
        DerReader inside(**wrapped);
        const auto octets = inside.read(DerTag::kOctetString);
        if (!octets) return octets.error();
        if (const auto end = inside.finish("eContent"); !end) return end.error();
        data.content = *octets;
    }
    return fields.finish("EncapsulatedContentInfo");
}

// CertificateSet ::= SET OF CertificateChoices; of which only Certificate is untagged.
Result<void> read_certificates(ByteView set, const CmsLimits& limits, CmsSignedData& data) {
    if (set.size() > limits.certificate_octets) {
        return malformed("certificates of " + std::to_string(set.size()) + " octets");
    }
    for (DerReader reader(set); !reader.empty();) {
        if (data.certificates.size() == limits.certificates) {
            return malformed("over " + std::to_string(limits.certificates) + " certificates");
        }
        const auto der = reader.read_whole(DerTag::kSequence);
        if (!der) return in_context("CertificateSet", der.error());
        auto certificate = Certificate::from_der(*der);
        if (!certificate) return certificate.error();
        data.certificates.push_back(std::move(*certificate));
    }
    return {};
}

// RevocationInfoChoices ::= SET OF RevocationInfoChoice
Result<void> read_crls(ByteView set, const CmsLimits& limits, CmsSignedData& data) {
    for (DerReader reader(set); !reader.empty();) {
        if (data.crls.size() == limits.certificates) return malformed("too many CRLs");
        const auto crl = reader.next();
        if (!crl) return in_context("RevocationInfoChoices", crl.error());
        data.crls.push_back(crl->whole);
    }
    return {};
}

Result<CmsSignedData> read_signed_data(DerReader& reader, const CmsLimits& limits) {
    // SignedData ::= SEQUENCE {
    const auto content = reader.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    CmsSignedData data;
    //   version CMSVersion,
    if (const auto version = fields.read_small_integer(); !version) return version.error();
    //   digestAlgorithms DigestAlgorithmIdentifiers, a hint that nothing here relies on
    const auto digests = fields.read(DerTag::kSet);
    if (!digests) return digests.error();
    for (DerReader each(*digests); !each.empty();) {
        if (const auto digest = read_algorithm(each); !digest) return digest.error();
    }
    //   encapContentInfo EncapsulatedContentInfo,
    if (const auto read = read_content(fields, data); !read) return read.error();
    //   certificates [0] IMPLICIT CertificateSet OPTIONAL,
    const auto certificates = fields.read_optional(context_constructed(0));
    if (!certificates) return certificates.error();
    if (*certificates) {
        const auto read = read_certificates(**certificates, limits, data);
        if (!read) return read.error();
    }
    //   crls [1] IMPLICIT RevocationInfoChoices OPTIONAL,
    const auto crls = fields.read_optional(context_constructed(1));
    if (!crls) return crls.error();
    if (*crls) {
        if (const auto read = read_crls(**crls, limits, data); !read) return read.error();
    }
    //   signerInfos SignerInfos }
    const auto signers = fields.read(DerTag::kSet);
    if (!signers) return signers.error();
    for (DerReader each(*signers); !each.empty();) {
        if (data.signers.size() == limits.signers) return malformed("too many SignerInfos");
        auto signer = read_signer_info(each, limits);
        if (!signer) return in_context("SignerInfo", signer.error());
        data.signers.push_back(std::move(*signer));
    }
    if (const auto end = fields.finish("SignedData"); !end) return end.error();
    return data;
}

ByteView without_leading_zeros(ByteView integer) noexcept {
    while (!integer.empty() && integer.front() == 0)
        integer = integer.subspan(1);
    return integer;
}

}  // namespace

bool CertificateReference::names(const Certificate& certificate) const {
    if (!certificate) return false;
    if (!key_identifier.empty()) {
        const auto identifier = certificate.subject_key_identifier();
        return identifier && equal(*identifier, key_identifier);
    }
    return !issuer_der.empty() &&
           equal(without_leading_zeros(serial), without_leading_zeros(certificate.serial())) &&
           same_name(issuer_der, certificate.issuer_der());
}

// SignerIdentifier ::= CHOICE {
//   issuerAndSerialNumber IssuerAndSerialNumber,
//   subjectKeyIdentifier [0] SubjectKeyIdentifier }
Result<CertificateReference> read_certificate_reference(DerReader& reader) {
    DerReader ahead = reader;
    CertificateReference reference;
    if (ahead.at(context_primitive(0))) {
        const auto identifier = ahead.read(context_primitive(0));
        if (!identifier) return identifier.error();
        if (identifier->empty()) return malformed("empty subjectKeyIdentifier");
        reference.key_identifier = *identifier;
    } else {
        // IssuerAndSerialNumber ::= SEQUENCE {
        const auto content = ahead.read(DerTag::kSequence);
        if (!content) return content.error();
        DerReader fields(*content);
        //   issuer Name,
        const auto issuer = fields.read_whole(DerTag::kSequence);
        if (!issuer) return issuer.error();
        //   serialNumber CertificateSerialNumber }
        const auto serial = fields.read(DerTag::kInteger);
        if (!serial) return serial.error();
        if (serial->empty()) return malformed("serialNumber without octets");
        if (const auto end = fields.finish("IssuerAndSerialNumber"); !end) return end.error();
        reference.issuer_der = *issuer;
        reference.serial = *serial;
    }
    reader = ahead;
    return reference;
}

Result<DerElement> CmsSignerInfo::single_attribute(ByteView type) const {
    const CmsAttribute* found = nullptr;
    for (const CmsAttribute& attribute : signed_attributes) {
        if (!equal(attribute.type, type)) continue;
        if (found != nullptr) return malformed("signed attribute " + oid_to_text(type) + " twice");
        found = &attribute;
    }
    if (found == nullptr) {
        return Error{Errc::kNotFound, "no signed attribute " + oid_to_text(type)};
    }
    if (found->values.size() != 1) {
        return malformed("signed attribute " + oid_to_text(type) + " with " +
                         std::to_string(found->values.size()) + " values");
    }
    return found->values.front();
}

// ContentInfo ::= SEQUENCE {
//   contentType ContentType,
//   content [0] EXPLICIT ANY DEFINED BY contentType }
Result<CmsSignedData> parse_signed_data(ByteView der, const CmsLimits& limits) {
    DerReader outer(der);
    const auto info = outer.read(DerTag::kSequence);
    if (!info) return in_context("ContentInfo", info.error());
    if (const auto end = outer.finish("ContentInfo"); !end) return end.error();
    DerReader fields(*info);
    const auto type = fields.read_oid();
    if (!type) return in_context("ContentInfo", type.error());
    if (!equal(*type, oid::kSignedData)) {
        return malformed("ContentInfo: type " + oid_to_text(*type) + " where SignedData belongs");
    }
    const auto content = fields.read(context_constructed(0));
    if (!content) return in_context("ContentInfo", content.error());
    if (const auto end = fields.finish("ContentInfo"); !end) return end.error();

    DerReader inside(*content);
    auto data = read_signed_data(inside, limits);
    if (!data) return in_context("SignedData", data.error());
    if (const auto end = inside.finish("ContentInfo"); !end) return end.error();
    return data;
}

Result<void> verify_signer(const CmsSignerInfo& signer, ByteView content_type, ByteView content,
                           SignatureAlgorithm algorithm, const PublicKey& key) {
    if (!signer.signed_attributes_der) return malformed("no signed attributes");
    const auto digest = signer.single_attribute(oid::kMessageDigest);
    if (!digest) return malformed("messageDigest: " + digest.error().detail);
    if (digest->tag != DerTag::kOctetString) return malformed("messageDigest of another type");
    const auto type = signer.single_attribute(oid::kContentType);
    if (!type && type.error().code != Errc::kNotFound) return type.error();
    if (type && (type->tag != DerTag::kOid || !equal(type->content, content_type))) {
        return Error{Errc::kBadSignature, "contentType differs from the content's type"};
    }
    if (!equal(digest->content, digest_of(algorithm.digest, content))) {
        return Error{Errc::kBadSignature, "messageDigest differs from the content's digest"};
    }
    // RFC 5652 section 5.4: signed as SET OF, not with the IMPLICIT [0] that is sent.
    Bytes attributes = to_bytes(*signer.signed_attributes_der);
    attributes.front() = static_cast<std::uint8_t>(DerTag::kSet);
    if (!key.verifies(algorithm, attributes, signer.signature)) {
        return Error{Errc::kBadSignature, "the signature is not by the signer's key"};
    }
    return {};
}

}  // namespace scepgate::certs
