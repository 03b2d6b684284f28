#include "certs/algorithms.hpp"

#include <stdexcept>

#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

struct DigestEntry {
    Digest digest;
    const char* openssl_name;
    std::string_view text;
    ByteView oid;
    ByteView rsa_oid;
    std::string_view rsa_text;
    ByteView ecdsa_oid;
    std::string_view ecdsa_text;
};

constexpr std::array<DigestEntry, 4> kDigests{{
    {Digest::kSha1, "SHA1", "SHA-1", oid::kSha1, oid::kSha1WithRsa, "sha1WithRSAEncryption",
     oid::kEcdsaWithSha1, "ecdsa-with-SHA1"},
    {Digest::kSha256, "SHA256", "SHA-256", oid::kSha256, oid::kSha256WithRsa,
     "sha256WithRSAEncryption", oid::kEcdsaWithSha256, "ecdsa-with-SHA256"},
    {Digest::kSha384, "SHA384", "SHA-384", oid::kSha384, oid::kSha384WithRsa,
     "sha384WithRSAEncryption", oid::kEcdsaWithSha384, "ecdsa-with-SHA384"},
    {Digest::kSha512, "SHA512", "SHA-512", oid::kSha512, oid::kSha512WithRsa,
     "sha512WithRSAEncryption", oid::kEcdsaWithSha512, "ecdsa-with-SHA512"},
}};

const DigestEntry& entry(Digest digest) noexcept {
    return kDigests[static_cast<std::size_t>(digest)];
}

Error unknown(std::string_view what, const AlgorithmIdentifier& identifier) {
    return unsupported(std::string(what) + " algorithm " + oid_to_text(identifier.algorithm));
}

}  // namespace

std::string_view to_text(Digest digest) noexcept {
    return entry(digest).text;
}

std::string_view to_text(KeyType type) noexcept {
    return type == KeyType::kRsa ? "rsa" : "ec";
}

std::string_view to_text(SignatureAlgorithm algorithm) noexcept {
    const DigestEntry& found = entry(algorithm.digest);
    return algorithm.key_type == KeyType::kRsa ? found.rsa_text : found.ecdsa_text;
}

const EVP_MD* evp_md(Digest digest) {
    static const std::array<const EVP_MD*, kDigests.size()> fetched = [] {
        std::array<const EVP_MD*, kDigests.size()> algorithms{};
        for (std::size_t i = 0; i < kDigests.size(); ++i) {
            algorithms[i] = EVP_MD_fetch(nullptr, kDigests[i].openssl_name, nullptr);
            if (algorithms[i] == nullptr) {
                throw std::runtime_error(std::string("OpenSSL has no ") + kDigests[i].openssl_name);
            }
        }
        return algorithms;
    }();
    return fetched[static_cast<std::size_t>(digest)];
}

Bytes digest_of(Digest digest, ByteView data) {
    Bytes out(static_cast<std::size_t>(EVP_MD_get_size(evp_md(digest))));
    unsigned length = 0;
    if (EVP_Digest(data.data(), data.size(), out.data(), &length, evp_md(digest), nullptr) != 1 ||
        length != out.size()) {
        throw std::runtime_error("OpenSSL cannot compute " + std::string(to_text(digest)));
    }
    return out;
}

bool AlgorithmIdentifier::null_or_no_parameters() const noexcept {
    return !parameters || (parameters->tag == DerTag::kNull && parameters->content.empty());
}

Result<AlgorithmIdentifier> read_algorithm(DerReader& reader) {
    // AlgorithmIdentifier ::= SEQUENCE {
    DerReader ahead = reader;
    const auto content = ahead.read(DerTag::kSequence);
    if (!content) return in_context("AlgorithmIdentifier", content.error());
    DerReader fields(*content);
    //   algorithm   OBJECT IDENTIFIER,
    const auto algorithm = fields.read_oid();
    if (!algorithm) return in_context("AlgorithmIdentifier", algorithm.error());
    AlgorithmIdentifier identifier{*algorithm, std::nullopt};
    //   parameters  ANY DEFINED BY algorithm OPTIONAL }
    if (!fields.empty()) {
        const auto parameters = fields.next();
        if (!parameters) return in_context("AlgorithmIdentifier", parameters.error());
        identifier.parameters = *parameters;
    }
    if (const auto end = fields.finish("AlgorithmIdentifier"); !end) return end.error();
    reader = ahead;
    return identifier;
}

Result<Digest> parse_digest(const AlgorithmIdentifier& identifier) {
    for (const DigestEntry& candidate : kDigests) {
        if (!equal(identifier.algorithm, candidate.oid)) continue;
        if (!identifier.null_or_no_parameters()) {
            return unsupported(std::string(candidate.text) + " with parameters");
        }
        return candidate.digest;
    }
    return unknown("digest", identifier);
}

Result<SignatureAlgorithm> parse_signature_algorithm(const AlgorithmIdentifier& identifier,
                                                     std::optional<Digest> digest) {
    std::optional<SignatureAlgorithm> found;
    if (equal(identifier.algorithm, oid::kRsaEncryption)) {
        if (!digest) return unsupported("signature algorithm rsaEncryption, which names no digest");
        found = SignatureAlgorithm{KeyType::kRsa, *digest};
    }
    for (const DigestEntry& candidate : kDigests) {
        if (equal(identifier.algorithm, candidate.rsa_oid)) {
            found = SignatureAlgorithm{KeyType::kRsa, candidate.digest};
        } else if (equal(identifier.algorithm, candidate.ecdsa_oid)) {
            found = SignatureAlgorithm{KeyType::kEc, candidate.digest};
        }
    }
    if (!found) return unknown("signature", identifier);
    if (!identifier.null_or_no_parameters()) {
        return unsupported(std::string(to_text(*found)) + " with parameters");
    }
    // RFC 5652 5.3 has one digest for both; two that differ would let the weaker one decide.
    if (digest && found->digest != *digest) {
        return unsupported("signature algorithm " + std::string(to_text(*found)) +
                           " beside digest algorithm " + std::string(to_text(*digest)));
    }
    return *found;
}

Bytes digest_identifier(Digest digest) {
    return der::sequence({der::oid(entry(digest).oid)});
}

Bytes signature_identifier(SignatureAlgorithm algorithm) {
    const DigestEntry& found = entry(algorithm.digest);
    // RFC 4055 section 5 has NULL for RSA, RFC 5758 section 3.2 nothing for ECDSA.
    if (algorithm.key_type == KeyType::kRsa) {
        return der::sequence({der::oid(found.rsa_oid), der::null()});
    }
    return der::sequence({der::oid(found.ecdsa_oid)});
}

}  // namespace scepgate::certs
