#include "certs/csr.hpp"

#include <openssl/crypto.h>

#include "certs/asn1_string.hpp"
#include "certs/ca_oids.hpp"
#include "certs/open_value.hpp"
#include "certs/signed_structure.hpp"
#include "certs/weak_keys.hpp"

namespace scepgate::certs {
namespace {

// RFC 2986 has 0; Apple's clients send 2.
constexpr std::int64_t kMaxVersion = 2;

bool is_extension_request(ByteView type) {
    return equal(type, oid::kExtensionRequest) || equal(type, oid::kMicrosoftExtensionRequest) ||
           equal(type, oid::kVeriSignExtensionRequest);
}

Result<Secret> read_challenge(const DerElement& value) {
    if (!is_string(value.tag)) {
        return malformed("challengePassword: a value that is not a character string");
    }
    if (value.tag != DerTag::kBmpString && value.tag != DerTag::kUniversalString) {
        return Secret(to_bytes(value.content));
    }
    auto text = to_utf8(value.tag, value.content);
    if (!text) return in_context("challengePassword", text.error());
    Secret secret{std::string_view(*text)};
    OPENSSL_cleanse(text->data(), text->size());
    return secret;
}

Result<void> read_extension(const Extension& extension, RequestedExtensions& requested) {
    if (equal(extension.oid, oid::kKeyUsage)) {
        const auto usage = KeyUsage::from_der(extension.value);
        if (!usage) return usage.error();
        requested.key_usage = *usage;
    } else if (equal(extension.oid, oid::kExtKeyUsage)) {
        auto usages = parse_extended_key_usage(extension.value);
        if (!usages) return usages.error();
        requested.extended_key_usage = std::move(*usages);
    } else if (equal(extension.oid, oid::kSubjectAltName)) {
        auto names = parse_general_names(extension.value);
        if (!names) return names.error();
        requested.subject_alt_name = std::move(*names);
    } else if (equal(extension.oid, oid::kNtdsCaSecurity)) {
        auto sid = parse_sid_extension(extension.value);
        if (!sid) return sid.error();
        requested.sid = std::move(*sid);
    } else if (equal(extension.oid, oid::kBasicConstraints)) {
        const auto ca = parse_basic_constraints(extension.value);
        if (!ca) return ca.error();
        requested.ca = *ca;
    } else {
        requested.others.push_back(oid_to_text(extension.oid));
    }
    return {};
}

Result<RequestedExtensions> read_extension_request(ByteView der) {
    const auto extensions = parse_extensions(der);
    if (!extensions) return extensions.error();
    RequestedExtensions requested;
    for (const Extension& extension : *extensions) {
        if (const auto read = read_extension(extension, requested); !read) return read.error();
    }
    return requested;
}

/// An attribute's type and its values.
struct Attribute {
    ByteView type;
    DerElement first;
    ByteView all;  ///< the values
    std::size_t values = 0;
};

//   Attribute ::= SEQUENCE {
//        type    OBJECT IDENTIFIER,
//        values  SET SIZE(1..MAX) OF ANY }
Result<Attribute> read_csr_attribute(ByteView content) {
    DerReader fields(content);
    Attribute attribute;
    const auto type = fields.read_oid();
    if (!type) return type.error();
    attribute.type = *type;
    const auto set = fields.read(DerTag::kSet);
    if (!set) return set.error();
    if (const auto end = fields.finish("attribute"); !end) return end.error();
    attribute.all = *set;
    for (DerReader values(*set); !values.empty(); ++attribute.values) {
        const auto value = values.next();
        if (!value) return value.error();
        if (const auto sound = check_open_value(*value); !sound)
            return in_context("attribute " + oid_to_text(*type), sound.error());
        if (attribute.values == 0) attribute.first = *value;
    }
    if (attribute.values == 0) {
        return malformed("attribute " + oid_to_text(*type) + " without a value");
    }
    return attribute;
}

/// Nobody relies on them, so what is no pair is no fault.
void read_pairs(const Attribute& attribute, NameValuePairs& pairs) {
    for (DerReader values(attribute.all); !values.empty();) {
        const auto value = values.next();
        if (!value || !read_name_value_pair(value->whole, pairs)) return;
    }
}

}  // namespace

struct Csr::State {
    Bytes der;
    Name subject;
    PublicKey key;
    SignatureAlgorithm algorithm;
    std::optional<Secret> challenge;
    RequestedExtensions requested;
    std::optional<RequestedValidity> validity;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { OPENSSL_cleanse(der.data(), der.size()); }  // the challenge stands in it

    Result<void> parse(const CsrLimits& limits, bool allow_sha1, const PublicKey* known_key);

private:
    /// The parts of a CertificationRequestInfo that nobody has vouched for yet.
    struct Unproven {
        ByteView subject;
        std::optional<ByteView> attributes;
    };
    Result<Unproven> read_info(ByteView content, const KeyLimits& limits,
                               const PublicKey* known_key);
    Result<void> parse_names_and_attributes(const Unproven& info, const CsrLimits& limits);
    Result<void> take_key(ByteView spki, const KeyLimits& limits, const PublicKey* known_key);
    Result<void> parse_attributes(ByteView content, const CsrLimits& limits);
    Result<void> take_challenge(const Attribute& attribute, const CsrLimits& limits);
};

//   CertificationRequest ::= SEQUENCE {
//        certificationRequestInfo  CertificationRequestInfo,
//        signatureAlgorithm        AlgorithmIdentifier,
//        signature                 BIT STRING }
Result<void> Csr::State::parse(const CsrLimits& limits, bool allow_sha1,
                               const PublicKey* known_key) {
    const auto parts = read_signed_structure(der, "request");
    if (!parts) return parts.error();
    DerReader identifier_reader(parts->algorithm);
    const auto identifier = read_algorithm(identifier_reader);
    if (!identifier) return identifier.error();
    const auto parsed = parse_signature_algorithm(*identifier);
    if (!parsed) return parsed.error();
    algorithm = *parsed;
    if (algorithm.digest == Digest::kSha1 && !allow_sha1) {
        return unsupported("a SHA-1 signature, which is switched off");
    }

    const auto unproven = read_info(parts->content, limits.key, known_key);
    if (!unproven) return unproven.error();

    // Over the octets as they came, whatever a re-encoding would make of them. And before names and
    // attributes are looked at: until then whoever sent this may be playing with another one's
    // ciphertext, and must not learn how far it parses (attacks.md E08).
    if (!key.verifies(algorithm, parts->to_be_signed, parts->signature)) {
        return Error{Errc::kBadSignature, "the signature is not by the key of the request"};
    }
    if (const auto weakness = weakness_of(key)) {
        return Error{Errc::kDenied, "the key cannot be certified: " + std::string(*weakness)};
    }
    if (const auto parsed_rest = parse_names_and_attributes(*unproven, limits); !parsed_rest) {
        return Error{Errc::kDenied, parsed_rest.error().detail};
    }
    return {};
}

//   CertificationRequestInfo ::= SEQUENCE {
//        version       INTEGER { v1(0) } (v1,...),
//        subject       Name,
//        subjectPKInfo SubjectPublicKeyInfo,
//        attributes    [0] Attributes }
Result<Csr::State::Unproven> Csr::State::read_info(ByteView content, const KeyLimits& limits,
                                                   const PublicKey* known_key) {
    DerReader fields(content);
    const auto version = fields.read_small_integer();
    if (!version) return in_context("version", version.error());
    if (*version > kMaxVersion) return malformed("version " + std::to_string(*version));

    const auto name_der = fields.read_whole(DerTag::kSequence);
    if (!name_der) return in_context("subject", name_der.error());

    const auto spki = fields.read_whole(DerTag::kSequence);
    if (!spki) return in_context("public key", spki.error());
    if (const auto taken = take_key(*spki, limits, known_key); !taken) return taken.error();

    // Required by RFC 2986, left out by some when there are none.
    const auto attributes = fields.read_optional(context_constructed(0));
    if (!attributes) return in_context("attributes", attributes.error());
    if (const auto end = fields.finish("CertificationRequestInfo"); !end) return end.error();
    return Unproven{*name_der, *attributes};
}

Result<void> Csr::State::parse_names_and_attributes(const Unproven& info, const CsrLimits& limits) {
    auto name = Name::from_der(info.subject);
    if (!name) return in_context("subject", name.error());
    subject = std::move(*name);
    return info.attributes ? parse_attributes(*info.attributes, limits) : Result<void>{};
}

Result<void> Csr::State::take_key(ByteView spki, const KeyLimits& limits,
                                  const PublicKey* known_key) {
    if (known_key != nullptr && equal(spki, known_key->spki())) {
        key = *known_key;
        return {};
    }
    auto decoded = PublicKey::from_spki(spki, limits);
    if (!decoded) return decoded.error();
    key = std::move(*decoded);
    return {};
}

//   Attributes { ATTRIBUTE:IOSet } ::= SET OF Attribute{{ IOSet }}
// Many clients do not sort the set, so its order is not judged.
Result<void> Csr::State::parse_attributes(ByteView content, const CsrLimits& limits) {
    std::vector<ByteView> seen;
    NameValuePairs pairs;
    bool extensions_seen = false;
    for (DerReader reader(content); !reader.empty();) {
        if (seen.size() == limits.attributes) {
            return malformed("more than " + std::to_string(limits.attributes) + " attributes");
        }
        const auto sequence = reader.read(DerTag::kSequence);
        if (!sequence) return in_context("attributes", sequence.error());
        const auto attribute = read_csr_attribute(*sequence);
        if (!attribute) return attribute.error();
        const bool repeated = std::any_of(
            seen.begin(), seen.end(), [&](ByteView type) { return equal(type, attribute->type); });
        const bool is_pair = equal(attribute->type, oid::kNameValuePair);
        if (repeated && !is_pair) {
            return malformed("attribute " + oid_to_text(attribute->type) + " comes twice");
        }
        seen.push_back(attribute->type);

        if (equal(attribute->type, oid::kChallengePassword)) {
            if (const auto taken = take_challenge(*attribute, limits); !taken) {
                return taken.error();
            }
        } else if (is_extension_request(attribute->type)) {
            // An upstream CA that reads another spelling than we do would see other extensions.
            if (extensions_seen || attribute->values != 1) {
                return malformed("more than one extension request");
            }
            extensions_seen = true;
            auto extensions = read_extension_request(attribute->first.whole);
            if (!extensions) return in_context("extension request", extensions.error());
            requested = std::move(*extensions);
        } else if (is_pair) {
            read_pairs(*attribute, pairs);
        }
    }
    validity = certs::requested_validity(pairs);
    return {};
}

Result<void> Csr::State::take_challenge(const Attribute& attribute, const CsrLimits& limits) {
    if (attribute.values != 1) return malformed("challengePassword with more than one value");
    if (attribute.first.content.size() > limits.challenge_octets) {
        return malformed("challengePassword of " + std::to_string(attribute.first.content.size()) +
                         " octets, over the limit of " + std::to_string(limits.challenge_octets));
    }
    auto secret = read_challenge(attribute.first);
    if (!secret) return secret.error();
    if (!secret->empty()) challenge = std::move(*secret);
    return {};
}

Csr::Csr(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

Result<Csr> Csr::from_der(ByteView der, const CsrLimits& limits, bool allow_sha1,
                          const PublicKey* known_key) {
    if (der.size() > limits.octets) {
        return malformed("request: " + std::to_string(der.size()) + " octets, over the limit of " +
                         std::to_string(limits.octets));
    }
    auto state = std::make_shared<State>();
    state->der = to_bytes(der);
    if (const auto parsed = state->parse(limits, allow_sha1, known_key); !parsed) {
        return in_context("request", parsed.error());
    }
    return Csr(std::move(state));
}

ByteView Csr::der() const noexcept {
    return state_->der;
}
const Name& Csr::subject() const noexcept {
    return state_->subject;
}
const PublicKey& Csr::public_key() const noexcept {
    return state_->key;
}
SignatureAlgorithm Csr::signature_algorithm() const noexcept {
    return state_->algorithm;
}
Csr Csr::with_challenge(Secret challenge) const {
    auto state = std::make_shared<State>();
    state->der = state_->der;
    state->subject = state_->subject;
    state->key = state_->key;
    state->algorithm = state_->algorithm;
    if (!challenge.empty()) state->challenge = std::move(challenge);
    state->requested = state_->requested;
    state->validity = state_->validity;
    return Csr(std::move(state));
}
const std::optional<Secret>& Csr::challenge() const noexcept {
    return state_->challenge;
}
const RequestedExtensions& Csr::requested() const noexcept {
    return state_->requested;
}
const std::optional<RequestedValidity>& Csr::requested_validity() const noexcept {
    return state_->validity;
}

}  // namespace scepgate::certs
