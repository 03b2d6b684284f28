// CMS SignedData (RFC 5652 section 5): reading its structure, checking one signature, writing.
//
// Used by the SCEP codec, its client side and the challenge blob. Reading judges structure only and
// trusts nothing; every rule of a protocol on top (which content type, how many signers, which
// algorithms) is the caller's to check before verify().
#pragma once

#include <optional>
#include <vector>

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs {

/// Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }
struct CmsAttribute {
    ByteView type;  ///< OID content octets
    std::vector<DerElement> values;
};

/// How a SignerInfo or RecipientInfo names a certificate.
struct CertificateReference {
    ByteView issuer_der;      ///< Name, whole DER; empty for a key identifier
    ByteView serial;          ///< INTEGER content octets
    ByteView key_identifier;  ///< empty for issuerAndSerialNumber

    /// True when it names `certificate`. Serials compare without leading zero octets (some clients
    /// re-encode them); issuers by DER, else by RFC 5280 matching (some clients re-encode those).
    [[nodiscard]] bool names(const Certificate& certificate) const;
};
/// IssuerAndSerialNumber, or [0] SubjectKeyIdentifier.
Result<CertificateReference> read_certificate_reference(DerReader& reader);

struct CmsSignerInfo {
    CertificateReference signer;
    AlgorithmIdentifier digest;
    AlgorithmIdentifier signature_algorithm;
    ByteView signature;
    std::optional<ByteView> signed_attributes_der;  ///< whole, still tagged [0]
    std::vector<CmsAttribute> signed_attributes;    ///< in the order sent

    /// The one value of the one signed attribute of this type: kNotFound when there is none,
    /// kMalformed when the attribute or its value comes twice or its SET is empty.
    Result<DerElement> single_attribute(ByteView type) const;
};

/// Views into the DER it was read from, which the caller keeps.
struct CmsSignedData {
    ByteView content_type;                  ///< OID content octets
    std::optional<ByteView> content;        ///< the eContent OCTET STRING's octets
    std::vector<Certificate> certificates;  ///< in the order sent
    std::vector<ByteView> crls;             ///< whole DER each
    std::vector<CmsSignerInfo> signers;
};

struct CmsLimits {
    std::size_t certificates = 10;
    std::size_t certificate_octets = 64 * 1024;  ///< all of them together
    std::size_t signers = 4;
    std::size_t attributes = 32;
};

/// Reads a ContentInfo that holds SignedData, strict DER (see certs/ber.hpp for what is not).
/// Certificate choices other than X.509 are kMalformed. Trailing octets are kMalformed at each
/// level.
Result<CmsSignedData> parse_signed_data(ByteView der, const CmsLimits& limits = {});
Result<CmsSignedData> parse_signed_data(Bytes&& der, const CmsLimits& limits = {}) = delete;

/// Checks one signer: messageDigest equals the digest of `content`, contentType (when present)
/// equals `content_type`, and the signature over the DER SET OF the signed attributes verifies with
/// `key`. Fails with kBadSignature; kMalformed when the attributes are missing or double. The
/// algorithms must have been parsed and allowed by the caller: `algorithm.digest` is used for both.
Result<void> verify_signer(const CmsSignerInfo& signer, ByteView content_type, ByteView content,
                           SignatureAlgorithm algorithm, const PublicKey& key);

/// What goes into a new SignedData.
struct SignedDataContents {
    ByteView content_type;            ///< OID content octets
    std::optional<ByteView> content;  ///< absent: eContent is left out
    std::vector<Bytes>
        signed_attributes;  ///< DER Attributes beside contentType, messageDigest, signingTime
    std::int64_t signing_time = 0;  ///< seconds since the epoch
    std::vector<Certificate> certificates;
    Digest digest = Digest::kSha256;
};

/// One DER Attribute with one value.
Bytes encode_attribute(ByteView type, ByteView value_der);

/// A ContentInfo with SignedData by one signer (issuerAndSerialNumber; attributes sorted as a SET
/// OF; signatureAlgorithm rsaEncryption for RSA: some clients take nothing else). Version 1, or 3
/// around other content than id-data (RFC 5652 section 5.1). Certificates keep their order.
Result<Bytes> build_signed_data(const SignedDataContents& contents, const Certificate& signer,
                                const PrivateKey& key);

/// The degenerate form (RFC 8894 section 3.4): certificates in this order, no signer, no content.
Bytes build_certificates_only(const std::vector<Certificate>& certificates);
/// The same with one CRL (DER) and no certificate.
Bytes build_crl_only(ByteView crl_der);

}  // namespace scepgate::certs
