// How RSA carries a content key: KeyEncryptionAlgorithmIdentifiers (RFC 3370, 4055).
#include "certs/cms_enveloped_data.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

/// The AlgorithmIdentifier in an EXPLICIT [number], if there is one.
Result<std::optional<AlgorithmIdentifier>> read_tagged(DerReader& reader, unsigned number) {
    const auto wrapped = reader.read_optional(context_constructed(number));
    if (!wrapped) return wrapped.error();
    if (!*wrapped) return std::optional<AlgorithmIdentifier>{};
    DerReader inside(**wrapped);
    const auto identifier = read_algorithm(inside);
    if (!identifier) return identifier.error();
    if (const auto end = inside.finish("AlgorithmIdentifier"); !end) return end.error();
    return std::optional<AlgorithmIdentifier>{*identifier};
}

/// MGF1 and the digest that is its parameter.
Result<Digest> parse_mask_generation(const AlgorithmIdentifier& identifier) {
    if (!equal(identifier.algorithm, oid::kMgf1)) {
        return unsupported("mask generation " + oid_to_text(identifier.algorithm));
    }
    if (!identifier.parameters) return unsupported("MGF1 without its digest");
    DerReader parameters(identifier.parameters->whole);
    const auto digest = read_algorithm(parameters);
    if (!digest) return digest.error();
    return parse_digest(*digest);
}

bool is_empty_label(const AlgorithmIdentifier& source) {
    return equal(source.algorithm, oid::kPSpecified) && source.parameters &&
           source.parameters->tag == DerTag::kOctetString && source.parameters->content.empty();
}

// RSAES-OAEP-params ::= SEQUENCE {
//   hashFunc [0] AlgorithmIdentifier DEFAULT sha1Identifier,
//   maskGenFunc [1] AlgorithmIdentifier DEFAULT mgf1SHA1Identifier,
//   pSourceFunc [2] AlgorithmIdentifier DEFAULT pSpecifiedEmptyIdentifier }
Result<KeyTransport> parse_oaep(const DerElement& parameters) {
    if (parameters.tag != DerTag::kSequence) return malformed("not a SEQUENCE");
    KeyTransport transport{.oaep = true};
    DerReader fields(parameters.content);
    const auto hash = read_tagged(fields, 0);
    if (!hash) return hash.error();
    if (*hash) {
        const auto digest = parse_digest(**hash);
        if (!digest) return digest.error();
        transport.digest = *digest;
    }
    const auto mask = read_tagged(fields, 1);
    if (!mask) return mask.error();
    if (*mask) {
        const auto digest = parse_mask_generation(**mask);
        if (!digest) return digest.error();
        transport.mgf1_digest = *digest;
    }
    const auto source = read_tagged(fields, 2);
    if (!source) return source.error();
    if (*source && !is_empty_label(**source)) return unsupported("with a label");
    if (const auto end = fields.finish("RSAES-OAEP-params"); !end) return end.error();
    return transport;
}

}  // namespace

Result<KeyTransport> parse_key_transport(const AlgorithmIdentifier& identifier) {
    if (equal(identifier.algorithm, oid::kRsaEncryption)) {
        if (!identifier.null_or_no_parameters()) {
            return unsupported("rsaEncryption with parameters other than NULL");
        }
        return KeyTransport{};
    }
    if (!equal(identifier.algorithm, oid::kRsaesOaep)) {
        return unsupported("key transport " + oid_to_text(identifier.algorithm));
    }
    if (!identifier.parameters) return unsupported("RSAES-OAEP without parameters");
    const auto transport = parse_oaep(*identifier.parameters);
    if (!transport) return unsupported("RSAES-OAEP parameters: " + transport.error().detail);
    return *transport;
}

std::string to_text(const KeyTransport& transport) {
    if (!transport.oaep) return "RSA-PKCS1";
    // "SHA-256" as "SHA256", so that the parts stay apart.
    const auto compact = [](Digest digest) {
        std::string text(to_text(digest));
        std::erase(text, '-');
        return text;
    };
    std::string text = "RSA-OAEP-" + compact(transport.digest);
    if (transport.mgf1_digest != transport.digest) {
        text += "-MGF1-" + compact(transport.mgf1_digest);
    }
    return text;
}

}  // namespace scepgate::certs
