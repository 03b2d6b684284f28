// Writing SignedData and EnvelopedData. Always DER but for one thing: certificates keep the order
// that they are given in, because clients take the first for theirs (RFC 5652 asks DER of the
// signed attributes only).
#include <climits>

#include "certs/content_cipher.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

/// CMSVersion and SignerInfo version of what goes by issuerAndSerialNumber.
constexpr std::int64_t kVersion1 = 1;
constexpr std::int64_t kVersion3 = 3;

void append(Bytes& out, ByteView part) {
    out.insert(out.end(), part.begin(), part.end());
}

/// certificates [0] IMPLICIT CertificateSet; nothing when there are none.
Bytes certificate_set(const std::vector<Certificate>& certificates) {
    std::size_t length = 0;
    for (const Certificate& certificate : certificates)
        length += certificate.der().size();
    Bytes out;
    if (length == 0) return out;
    out.reserve(length + 6);
    der::append_header(out, context_constructed(0), length);
    for (const Certificate& certificate : certificates)
        append(out, certificate.der());
    return out;
}

// EncapsulatedContentInfo ::= SEQUENCE {
//   eContentType ContentType,
//   eContent [0] EXPLICIT OCTET STRING OPTIONAL }
Bytes encapsulated_content(ByteView type, std::optional<ByteView> content) {
    if (!content) return der::sequence({der::oid(type)});
    return der::sequence(
        {der::oid(type), der::element(context_constructed(0), der::octet_string(*content))});
}

/// Clients refuse sha256WithRSAEncryption here, which RFC 5754 section 3.2 would allow as well.
Bytes signer_algorithm(const PrivateKey& key, Digest digest) {
    if (key.type() == KeyType::kRsa) {
        return der::sequence({der::oid(oid::kRsaEncryption), der::null()});
    }
    return signature_identifier(key.signature_algorithm(digest));
}

/// SignedAttributes ::= SET SIZE (1..MAX) OF Attribute, with the SET's own tag.
Bytes signed_attributes(const SignedDataContents& contents) {
    std::vector<Bytes> attributes;
    attributes.reserve(contents.signed_attributes.size() + 3);
    attributes.push_back(encode_attribute(oid::kContentType, der::oid(contents.content_type)));
    attributes.push_back(encode_attribute(
        oid::kMessageDigest,
        der::octet_string(digest_of(contents.digest, contents.content.value_or(ByteView())))));
    attributes.push_back(encode_attribute(oid::kSigningTime, der::time(contents.signing_time)));
    attributes.insert(attributes.end(), contents.signed_attributes.begin(),
                      contents.signed_attributes.end());
    return der::set_of(std::move(attributes));
}

// SignerInfo ::= SEQUENCE {
//   version CMSVersion,
//   sid SignerIdentifier,
//   digestAlgorithm DigestAlgorithmIdentifier,
//   signedAttrs [0] IMPLICIT SignedAttributes OPTIONAL,
//   signatureAlgorithm SignatureAlgorithmIdentifier,
//   signature SignatureValue }
Result<Bytes> signer_info(const SignedDataContents& contents, const Certificate& signer,
                          const PrivateKey& key) {
    Bytes attributes = signed_attributes(contents);
    const auto signature = key.sign(contents.digest, attributes);
    if (!signature) return signature.error();
    // Signed as a SET OF, sent as [0] (RFC 5652 section 5.4).
    attributes.front() = static_cast<std::uint8_t>(context_constructed(0));
    return der::sequence({der::integer(kVersion1), signer.issuer_and_serial(),
                          digest_identifier(contents.digest), attributes,
                          signer_algorithm(key, contents.digest), der::octet_string(*signature)});
}

// KeyTransRecipientInfo ::= SEQUENCE {
//   version CMSVersion,
//   rid RecipientIdentifier,
//   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
//   encryptedKey EncryptedKey }
Bytes key_transport_recipient(const Certificate& recipient, ByteView algorithm,
                              ByteView encrypted_key) {
    return der::sequence({der::integer(0), recipient.issuer_and_serial(), algorithm,
                          der::octet_string(encrypted_key)});
}

// RSAES-OAEP-params ::= SEQUENCE {
//   hashFunc [0] AlgorithmIdentifier DEFAULT sha1Identifier,
//   maskGenFunc [1] AlgorithmIdentifier DEFAULT mgf1SHA1Identifier,
//   pSourceFunc [2] AlgorithmIdentifier DEFAULT pSpecifiedEmptyIdentifier }  (RFC 4055 section 4.1)
Bytes key_transport_identifier(std::optional<Digest> oaep) {
    if (!oaep) return der::sequence({der::oid(oid::kRsaEncryption), der::null()});
    if (*oaep == Digest::kSha1) {
        return der::sequence({der::oid(oid::kRsaesOaep), der::sequence({})});
    }
    const Bytes hash = digest_identifier(*oaep);
    const Bytes mask = der::sequence({der::oid(oid::kMgf1), hash});
    return der::sequence(
        {der::oid(oid::kRsaesOaep), der::sequence({der::element(context_constructed(0), hash),
                                                   der::element(context_constructed(1), mask)})});
}

/// A SignedData that nobody signed, around its certificates or its crls field.
Bytes degenerate(ByteView certificates_or_crls) {
    return build_content_info(oid::kSignedData,
                              der::sequence({der::integer(kVersion1), der::set({}),
                                             encapsulated_content(oid::kData, std::nullopt),
                                             certificates_or_crls, der::set({})}));
}

}  // namespace

Bytes encode_attribute(ByteView type, ByteView value_der) {
    return der::sequence({der::oid(type), der::set({value_der})});
}

// SignedData ::= SEQUENCE {
//   version CMSVersion,
//   digestAlgorithms DigestAlgorithmIdentifiers,
//   encapContentInfo EncapsulatedContentInfo,
//   certificates [0] IMPLICIT CertificateSet OPTIONAL,
//   crls [1] IMPLICIT RevocationInfoChoices OPTIONAL,
//   signerInfos SignerInfos }
Result<Bytes> build_signed_data(const SignedDataContents& contents, const Certificate& signer,
                                const PrivateKey& key) {
    const auto info = signer_info(contents, signer, key);
    if (!info) return in_context("SignedData", info.error());
    const bool data = equal(contents.content_type, oid::kData);
    return build_content_info(
        oid::kSignedData,
        der::sequence({der::integer(data ? kVersion1 : kVersion3),
                       der::set({digest_identifier(contents.digest)}),
                       encapsulated_content(contents.content_type, contents.content),
                       certificate_set(contents.certificates), der::set({*info})}));
}

Bytes build_certificates_only(const std::vector<Certificate>& certificates) {
    return degenerate(certificate_set(certificates));
}

Bytes build_crl_only(ByteView crl_der) {
    return degenerate(der::element(context_constructed(1), crl_der));
}

Result<SealedContent> seal_content(ContentCipher cipher, ByteView plain) {
    if (cipher == ContentCipher::kDesCbc) {
        return unsupported("single DES, which is read but never written");
    }
    if (plain.size() > INT_MAX / 2) return unsupported("content of a gigabyte or more");
    const bool gcm = cipher == ContentCipher::kAes256Gcm;

    SealedContent sealed;
    sealed.key = Secret(random_bytes(key_length(cipher)));
    sealed.iv = random_bytes(gcm ? kGcmNonceOctets : block_length(cipher));
    sealed.ciphertext.resize(plain.size() + block_length(cipher));
    int length = 0;
    int last = 0;
    const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    if (!context ||
        EVP_EncryptInit_ex2(context.get(), evp_cipher(cipher), sealed.key.view().data(),
                            sealed.iv.data(), nullptr) != 1 ||
        EVP_EncryptUpdate(context.get(), sealed.ciphertext.data(), &length, plain.data(),
                          static_cast<int>(plain.size())) != 1 ||
        EVP_EncryptFinal_ex(context.get(), sealed.ciphertext.data() + length, &last) != 1) {
        return take_ossl_error("content encryption");
    }
    sealed.ciphertext.resize(static_cast<std::size_t>(length) + static_cast<std::size_t>(last));
    if (gcm) {
        sealed.tag.resize(kGcmTagOctets);
        if (EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG,
                                static_cast<int>(kGcmTagOctets), sealed.tag.data()) != 1) {
            return take_ossl_error("content encryption");
        }
    }
    return sealed;
}

// GCMParameters ::= SEQUENCE {
//   aes-nonce        OCTET STRING,
//   aes-ICVlen       AES-GCM-ICVlen DEFAULT 12 }          (RFC 5084 section 3.2)
Bytes encode_content_encryption(ContentCipher cipher, ByteView iv) {
    Bytes parameters = der::octet_string(iv);
    if (cipher == ContentCipher::kAes256Gcm) {
        parameters =
            der::sequence({parameters, der::integer(static_cast<std::int64_t>(kGcmTagOctets))});
    }
    return der::sequence({der::oid(cipher_oid(cipher)), parameters});
}

// EnvelopedData ::= SEQUENCE {
//   version CMSVersion,
//   recipientInfos RecipientInfos,
//   encryptedContentInfo EncryptedContentInfo }
//
// EncryptedContentInfo ::= SEQUENCE {
//   contentType ContentType,
//   contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
//   encryptedContent [0] IMPLICIT OCTET STRING OPTIONAL }
Result<Bytes> build_enveloped_data(ByteView plain, ContentCipher cipher,
                                   const Certificate& recipient, const PublicKey& recipient_key,
                                   std::optional<Digest> oaep) {
    if (cipher == ContentCipher::kAes256Gcm) {
        return unsupported("AES-GCM in EnvelopedData, which does not authenticate");
    }
    const auto sealed = seal_content(cipher, plain);
    if (!sealed) return sealed.error();
    const auto encrypted_key = oaep ? recipient_key.encrypt_oaep(sealed->key.view(), *oaep)
                                    : recipient_key.encrypt_pkcs1(sealed->key.view());
    if (!encrypted_key) return in_context("EnvelopedData", encrypted_key.error());
    return der::sequence(
        {der::integer(0),
         der::set(
             {key_transport_recipient(recipient, key_transport_identifier(oaep), *encrypted_key)}),
         der::sequence({der::oid(oid::kData), encode_content_encryption(cipher, sealed->iv),
                        der::element(context_primitive(0), sealed->ciphertext)})});
}

Bytes build_content_info(ByteView content_type, ByteView content_der) {
    return der::sequence(
        {der::oid(content_type), der::element(context_constructed(0), content_der)});
}

}  // namespace scepgate::certs
