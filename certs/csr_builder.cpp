// Making PKCS#10 requests, for the client side.
#include "certs/asn1_string.hpp"
#include "certs/certificate_builder.hpp"
#include "certs/cms_signed_data.hpp"
#include "certs/csr.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

//   challengePassword: DirectoryString (RFC 2985 section 5.4.1)
Bytes challenge_attribute(std::string_view challenge) {
    return encode_attribute(oid::kChallengePassword, encode_text(challenge));
}

/// All extensions, concatenated.
Bytes requested_extensions(const CsrContents& contents) {
    Bytes all;
    const auto append = [&all](const Bytes& extension) {
        all.insert(all.end(), extension.begin(), extension.end());
    };
    if (contents.key_usage) append(key_usage_extension(*contents.key_usage));
    if (!contents.extended_key_usage.empty()) {
        append(extended_key_usage_extension(contents.extended_key_usage));
    }
    if (!contents.subject_alt_name.empty()) {
        append(subject_alt_name_extension(contents.subject_alt_name, contents.subject.empty()));
    }
    for (const Bytes& extension : contents.more_extensions)
        append(extension);
    return all;
}

/// Attributes ::= SET OF Attribute, with [0] in the place of SET.
Bytes attributes_field(const CsrContents& contents) {
    std::vector<Bytes> attributes;
    if (!contents.challenge.empty()) attributes.push_back(challenge_attribute(contents.challenge));
    const Bytes extensions = requested_extensions(contents);
    if (!extensions.empty()) {
        attributes.push_back(
            encode_attribute(oid::kExtensionRequest, der::element(DerTag::kSequence, extensions)));
    }
    attributes.insert(attributes.end(), contents.more_attributes.begin(),
                      contents.more_attributes.end());
    Bytes field = der::set_of(std::move(attributes));
    field[0] = static_cast<std::uint8_t>(context_constructed(0));
    return field;
}

}  // namespace

Result<Bytes> build_csr(const CsrContents& contents, const PrivateKey& key, Digest digest) {
    if (!to_utf8(DerTag::kUtf8String, as_bytes(contents.challenge))) {
        return malformed("the challenge is not UTF-8 text");
    }
    const Bytes info = der::sequence({der::integer(0), contents.subject.der(),
                                      key.public_key().spki(), attributes_field(contents)});
    const auto signature = key.sign(digest, info);
    if (!signature) return signature.error();
    return der::sequence(
        {info, signature_identifier(key.signature_algorithm(digest)), der::bit_string(*signature)});
}

}  // namespace scepgate::certs
