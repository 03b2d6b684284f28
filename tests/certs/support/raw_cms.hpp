// CMS messages for tests, sound or wrong in any part, made without the product's builders.
#pragma once

#include <optional>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "certs/cms_enveloped_data.hpp"
#include "certs/oids.hpp"
#include "tests/certs/support/raw_csr.hpp"

namespace scepgate::certs::testing {

inline Bytes joined(const std::vector<Bytes>& parts) {
    Bytes all;
    for (const Bytes& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

inline Bytes explicit_tag(unsigned number, ByteView content) {
    return der::element(context_constructed(number), content);
}

inline Bytes algorithm(ByteView algorithm_oid, ByteView parameters = {}) {
    return der::sequence({der::oid(algorithm_oid), parameters});
}

inline Bytes content_info(ByteView type, ByteView content) {
    return der::sequence({der::oid(type), explicit_tag(0, content)});
}

/// What a certificate must have to carry a key; the rest is up to the test.
struct RawCertificate {
    bool with_version = true;  ///< without it: v1
    Bytes serial = der::integer(1);
    Bytes issuer = common_name(DerTag::kUtf8String, "device");
    Bytes subject = common_name(DerTag::kUtf8String, "device");
    std::int64_t not_before = 1'700'000'000;
    std::int64_t not_after = 4'000'000'000;
    std::vector<Bytes> extensions;
    std::optional<Bytes> spki;  ///< absent: the signing key's

    [[nodiscard]] Bytes build(const PrivateKey& key) const {
        const Bytes signature = signature_identifier(key.signature_algorithm(Digest::kSha256));
        const Bytes version = with_version ? explicit_tag(0, der::integer(2)) : Bytes();
        const Bytes list = der::element(DerTag::kSequence, joined(extensions));
        const Bytes tbs =
            der::sequence({version, serial, signature, issuer,
                           der::sequence({der::time(not_before), der::time(not_after)}), subject,
                           spki ? ByteView(*spki) : key.public_key().spki(),
                           extensions.empty() ? Bytes() : explicit_tag(3, list)});
        return der::sequence(
            {tbs, signature, der::bit_string(key.sign(Digest::kSha256, tbs).value())});
    }
};

inline Bytes issuer_and_serial(const RawCertificate& certificate) {
    return der::sequence({certificate.issuer, certificate.serial});
}

/// A SignerInfo; build() signs whatever the attributes hold.
struct RawSigner {
    Bytes version = der::integer(1);
    Bytes sid;
    Digest digest = Digest::kSha256;
    std::optional<Bytes> digest_algorithm;     ///< absent: that of `digest`
    std::optional<Bytes> signature_algorithm;  ///< absent: rsaEncryption
    std::vector<Bytes> attributes;
    bool omit_attributes = false;
    std::optional<Bytes> signature;
    Bytes after_signature;
    PrivateKey key;

    [[nodiscard]] Bytes build(ByteView content) const {
        const Bytes set = joined(attributes);
        const Bytes to_sign = omit_attributes ? to_bytes(content) : der::element(DerTag::kSet, set);
        return der::sequence(
            {version, sid, digest_algorithm ? *digest_algorithm : digest_identifier(digest),
             omit_attributes ? Bytes() : explicit_tag(0, set),
             signature_algorithm ? *signature_algorithm
                                 : algorithm(oid::kRsaEncryption, der::null()),
             der::octet_string(signature ? *signature : key.sign(digest, to_sign).value()),
             after_signature});
    }
};

/// ContentInfo with SignedData.
struct RawSignedData {
    Bytes outer_type = to_bytes(oid::kSignedData);
    Bytes content_type = to_bytes(oid::kData);
    std::optional<Bytes> content;
    std::vector<Bytes> certificates;
    std::vector<Bytes> crls;
    std::vector<Bytes> signers;
    Bytes after_signers;  ///< inside SignedData
    Bytes after_content;  ///< inside the [0] of ContentInfo

    [[nodiscard]] Bytes build() const {
        const Bytes inner =
            der::sequence({der::oid(content_type),
                           content ? explicit_tag(0, der::octet_string(*content)) : Bytes()});
        const Bytes data = der::sequence(
            {der::integer(1), der::element(DerTag::kSet, digest_identifier(Digest::kSha256)), inner,
             certificates.empty() ? Bytes() : explicit_tag(0, joined(certificates)),
             crls.empty() ? Bytes() : explicit_tag(1, joined(crls)),
             der::element(DerTag::kSet, joined(signers)), after_signers});
        return content_info(outer_type, der::concat({data, after_content}));
    }
};

/// KeyTransRecipientInfo
inline Bytes key_transport(ByteView recipient, ByteView encrypted_key,
                           const Bytes& algorithm_der = algorithm(oid::kRsaEncryption,
                                                                  der::null())) {
    return der::sequence(
        {der::integer(0), recipient, algorithm_der, der::octet_string(encrypted_key)});
}

/// EnvelopedData
struct RawEnvelope {
    std::vector<Bytes> recipients;
    Bytes content_type = to_bytes(oid::kData);
    Bytes cipher_algorithm;
    Bytes encrypted_content;  ///< whole element
    Bytes after_content;      ///< unprotectedAttrs, or a mac

    [[nodiscard]] Bytes build() const {
        return der::sequence(
            {der::integer(0), der::element(DerTag::kSet, joined(recipients)),
             der::sequence({der::oid(content_type), cipher_algorithm, encrypted_content}),
             after_content});
    }
};

inline Bytes pkcs7_padded(ByteView plain, std::size_t block) {
    Bytes padded = to_bytes(plain);
    const std::size_t count = block - plain.size() % block;
    padded.insert(padded.end(), count, static_cast<std::uint8_t>(count));
    return padded;
}

/// CBC encryption of whole blocks; no padding is added.
inline Bytes encrypt_blocks(const char* cipher, ByteView key, ByteView iv, ByteView padded) {
    const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    Bytes out(padded.size());
    int length = 0;
    if (EVP_EncryptInit_ex2(context.get(), EVP_get_cipherbyname(cipher), key.data(), iv.data(),
                            nullptr) != 1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
        EVP_EncryptUpdate(context.get(), out.data(), &length, padded.data(),
                          static_cast<int>(padded.size())) != 1 ||
        static_cast<std::size_t>(length) != padded.size()) {
        throw std::logic_error("test encryption failed");
    }
    return out;
}

/// The same message in BER: every constructed element of indefinite length, OCTET STRINGs over
/// `segment` octets in segments.
inline Bytes to_ber(ByteView der, std::size_t segment) {
    Bytes out;
    for (DerReader reader(der); !reader.empty();) {
        const DerElement element = reader.next().value();
        const auto tag = static_cast<std::uint8_t>(element.tag);
        if ((tag & 0x20U) != 0) {
            const Bytes content = to_ber(element.content, segment);
            out.insert(out.end(), {tag, 0x80});
            out.insert(out.end(), content.begin(), content.end());
            out.insert(out.end(), {0x00, 0x00});
        } else if (element.tag == DerTag::kOctetString && element.content.size() > segment) {
            out.insert(out.end(), {0x24, 0x80});
            for (ByteView rest = element.content; !rest.empty();) {
                const ByteView next = rest.first(std::min(segment, rest.size()));
                const Bytes part = der::octet_string(next);
                out.insert(out.end(), part.begin(), part.end());
                rest = rest.subspan(next.size());
            }
            out.insert(out.end(), {0x00, 0x00});
        } else {
            out.insert(out.end(), element.whole.begin(), element.whole.end());
        }
    }
    return out;
}

}  // namespace scepgate::certs::testing
