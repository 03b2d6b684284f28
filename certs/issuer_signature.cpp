#include "certs/issuer_signature.hpp"

#include <array>
#include <optional>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "certs/signed_structure.hpp"

namespace scepgate::certs {
namespace {

Error wrong_pss(const std::string& what) {
    return unsupported("RSASSA-PSS with " + what +
                       "; SHA-256, SHA-384 or SHA-512 is taken, with MGF1 of the same and a salt "
                       "of its length");
}

/// The content of an EXPLICIT field, or nothing.
Result<std::optional<ByteView>> read_explicit(DerReader& fields, unsigned number) {
    if (!fields.at(context_constructed(number))) return std::optional<ByteView>();
    const auto content = fields.read(context_constructed(number));
    if (!content) return content.error();
    return std::optional(*content);
}

Result<Digest> read_hash(const std::optional<ByteView>& field, const char* what) {
    if (!field) return wrong_pss(std::string(what) + " SHA-1");
    DerReader reader(*field);
    const auto identifier = read_algorithm(reader);
    if (!identifier) return identifier.error();
    if (const auto end = reader.finish("RSASSA-PSS"); !end) return end.error();
    const auto digest = parse_digest(*identifier);
    if (!digest) return wrong_pss(std::string(what) + ' ' + digest.error().detail);
    if (*digest == Digest::kSha1) return wrong_pss(std::string(what) + " SHA-1");
    return *digest;
}

//   maskGenAlgorithm  [1] MaskGenAlgorithm DEFAULT mgf1SHA1
Result<Digest> read_mask(const std::optional<ByteView>& field) {
    if (!field) return wrong_pss("MGF1 with SHA-1");
    DerReader reader(*field);
    const auto identifier = read_algorithm(reader);
    if (!identifier) return identifier.error();
    if (const auto end = reader.finish("RSASSA-PSS"); !end) return end.error();
    if (!equal(identifier->algorithm, oid::kMgf1) || !identifier->parameters) {
        return wrong_pss("another mask than MGF1 with a hash that it names");
    }
    return read_hash(identifier->parameters->whole, "MGF1 with");
}

Result<std::int64_t> read_number(const std::optional<ByteView>& field, std::int64_t otherwise) {
    if (!field) return otherwise;
    DerReader reader(*field);
    const auto number = reader.read_small_integer();
    if (!number) return number.error();
    if (const auto end = reader.finish("RSASSA-PSS"); !end) return end.error();
    return *number;
}

// RFC 4055 section 3.1:
//
//   RSASSA-PSS-params  ::=  SEQUENCE  {
//      hashAlgorithm     [0] HashAlgorithm DEFAULT sha1Identifier,
//      maskGenAlgorithm  [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
//      saltLength        [2] INTEGER DEFAULT 20,
//      trailerField      [3] INTEGER DEFAULT 1  }
Result<Digest> read_pss(const AlgorithmIdentifier& identifier) {
    if (!identifier.parameters || identifier.parameters->tag != DerTag::kSequence) {
        return wrong_pss("no parameters");
    }
    DerReader fields(identifier.parameters->content);
    std::array<std::optional<ByteView>, 4> all;
    for (unsigned i = 0; i < all.size(); ++i) {
        const auto field = read_explicit(fields, i);
        if (!field) return field.error();
        all[i] = *field;
    }
    if (const auto end = fields.finish("RSASSA-PSS"); !end) return end.error();
    const auto digest = read_hash(all[0], "hash");
    if (!digest) return digest.error();
    const auto mask = read_mask(all[1]);
    if (!mask) return mask.error();
    if (*mask != *digest) return wrong_pss("MGF1 with another hash than its own");
    const auto salt = read_number(all[2], 20);
    if (!salt) return salt.error();
    if (*salt != EVP_MD_get_size(evp_md(*digest))) {
        return wrong_pss("a salt of " + std::to_string(*salt) + " octets");
    }
    const auto trailer = read_number(all[3], 1);
    if (!trailer) return trailer.error();
    if (*trailer != 1) return wrong_pss("trailerField " + std::to_string(*trailer));
    return *digest;
}

bool verifies_pss(const PublicKey& key, Digest digest, ByteView data, ByteView signature) {
    if (key.evp() == nullptr || key.type() != KeyType::kRsa) return false;
    const EvpMdCtxPtr context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;  // owned by `context`
    const bool good =
        context &&
        EVP_DigestVerifyInit(context.get(), &parameters, evp_md(digest), nullptr, key.evp()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, evp_md(digest)) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1 &&
        EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(),
                         data.size()) == 1;
    if (!good) ERR_clear_error();
    return good;
}

}  // namespace

Result<void> check_issuer_signature(ByteView algorithm, const PublicKey& key, ByteView to_be_signed,
                                    ByteView signature) {
    DerReader reader(algorithm);
    const auto identifier = read_algorithm(reader);
    if (!identifier) return identifier.error();
    bool good = false;
    if (equal(identifier->algorithm, oid::kRsassaPss)) {
        const auto digest = read_pss(*identifier);
        if (!digest) return digest.error();
        good = verifies_pss(key, *digest, to_be_signed, signature);
    } else {
        const auto parsed = parse_signature_algorithm(*identifier);
        if (!parsed) return parsed.error();
        good = key.verifies(*parsed, to_be_signed, signature);
    }
    if (!good) return Error{Errc::kBadSignature, "the signature is by another key"};
    return {};
}

Result<void> check_issuer_signature(ByteView signed_structure, const PublicKey& key) {
    const auto parts = read_signed_structure(signed_structure, "signed structure");
    if (!parts) return parts.error();
    return check_issuer_signature(parts->algorithm, key, parts->to_be_signed, parts->signature);
}

}  // namespace scepgate::certs
