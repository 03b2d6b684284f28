#include "certs/cms_enveloped_data.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kMostRecipients = 16;

// KeyTransRecipientInfo ::= SEQUENCE {
//   version CMSVersion,
//   rid RecipientIdentifier,
//   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
//   encryptedKey EncryptedKey }
Result<KeyTransportRecipient> parse_key_transport_recipient(ByteView content) {
    DerReader fields(content);
    if (const auto version = fields.read_small_integer(); !version) return version.error();
    const auto recipient = read_certificate_reference(fields);
    if (!recipient) return recipient.error();
    const auto algorithm = read_algorithm(fields);
    if (!algorithm) return algorithm.error();
    const auto key = fields.read(DerTag::kOctetString);
    if (!key) return key.error();
    if (const auto end = fields.finish("KeyTransRecipientInfo"); !end) return end.error();
    return KeyTransportRecipient{*recipient, *algorithm, *key};
}

// KeyAgreeRecipientIdentifier ::= CHOICE {
//   issuerAndSerialNumber IssuerAndSerialNumber,
//   rKeyId [0] IMPLICIT RecipientKeyIdentifier }
Result<CertificateReference> read_agreement_reference(DerReader& reader) {
    if (!reader.at(context_constructed(0))) return read_certificate_reference(reader);
    const auto content = reader.read(context_constructed(0));
    if (!content) return content.error();
    // RecipientKeyIdentifier ::= SEQUENCE {
    //   subjectKeyIdentifier SubjectKeyIdentifier,
    //   date GeneralizedTime OPTIONAL,
    //   other OtherKeyAttribute OPTIONAL }
    DerReader fields(*content);
    const auto identifier = fields.read(DerTag::kOctetString);
    if (!identifier) return identifier.error();
    if (identifier->empty()) return malformed("empty subjectKeyIdentifier");
    CertificateReference reference;
    reference.key_identifier = *identifier;
    return reference;
}

// OriginatorIdentifierOrKey ::= CHOICE {
//   issuerAndSerialNumber IssuerAndSerialNumber,
//   subjectKeyIdentifier [0] SubjectKeyIdentifier,
//   originatorKey [1] OriginatorPublicKey }
//
// OriginatorPublicKey ::= SEQUENCE { algorithm AlgorithmIdentifier, publicKey BIT STRING }
//
// False for the other two choices.
Result<bool> read_originator_key(ByteView choice, KeyAgreementRecipient& recipient) {
    DerReader reader(choice);
    if (!reader.at(context_constructed(1))) return false;
    const auto content = reader.read(context_constructed(1));
    if (!content) return content.error();
    if (const auto end = reader.finish("OriginatorIdentifierOrKey"); !end) return end.error();
    DerReader fields(*content);
    const auto algorithm = read_algorithm(fields);
    if (!algorithm) return algorithm.error();
    const auto key = fields.read_octet_bits();
    if (!key) return key.error();
    if (const auto end = fields.finish("OriginatorPublicKey"); !end) return end.error();
    recipient.originator_algorithm = *algorithm;
    recipient.originator_public_key = *key;
    return true;
}

// RecipientEncryptedKeys ::= SEQUENCE OF SEQUENCE {
//   rid KeyAgreeRecipientIdentifier,
//   encryptedKey EncryptedKey }
//
// False when there is not exactly one.
Result<bool> read_one_encrypted_key(ByteView keys, KeyAgreementRecipient& recipient) {
    DerReader list(keys);
    const auto content = list.read(DerTag::kSequence);
    if (!content) return content.error();
    if (!list.empty()) return false;
    DerReader fields(*content);
    const auto reference = read_agreement_reference(fields);
    if (!reference) return reference.error();
    const auto key = fields.read(DerTag::kOctetString);
    if (!key) return key.error();
    if (const auto end = fields.finish("RecipientEncryptedKey"); !end) return end.error();
    recipient.recipient = *reference;
    recipient.encrypted_key = *key;
    return true;
}

// KeyAgreeRecipientInfo ::= SEQUENCE {
//   version CMSVersion,
//   originator [0] EXPLICIT OriginatorIdentifierOrKey,
//   ukm [1] EXPLICIT UserKeyingMaterial OPTIONAL,
//   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
//   recipientEncryptedKeys RecipientEncryptedKeys }
//
// Empty for the forms that nobody here opens: a static originator key, several recipients.
Result<std::optional<KeyAgreementRecipient>> parse_key_agreement_recipient(ByteView content) {
    constexpr std::optional<KeyAgreementRecipient> kOtherForm;
    KeyAgreementRecipient recipient;
    DerReader fields(content);
    if (const auto version = fields.read_small_integer(); !version) return version.error();
    const auto originator = fields.read(context_constructed(0));
    if (!originator) return originator.error();
    const auto material = fields.read_optional(context_constructed(1));
    if (!material) return material.error();
    if (*material) {
        DerReader inside(**material);
        const auto octets = inside.read(DerTag::kOctetString);
        if (!octets) return octets.error();
        if (const auto end = inside.finish("ukm"); !end) return end.error();
        recipient.user_keying_material = *octets;
    }
    const auto algorithm = read_algorithm(fields);
    if (!algorithm) return algorithm.error();
    recipient.algorithm = *algorithm;
    const auto keys = fields.read(DerTag::kSequence);
    if (!keys) return keys.error();
    if (const auto end = fields.finish("KeyAgreeRecipientInfo"); !end) return end.error();

    const auto has_key = read_originator_key(*originator, recipient);
    if (!has_key) return has_key.error();
    const auto has_one = read_one_encrypted_key(*keys, recipient);
    if (!has_one) return has_one.error();
    if (!*has_key || !*has_one) return kOtherForm;
    return std::optional<KeyAgreementRecipient>{recipient};
}

// RecipientInfo ::= CHOICE {
//   ktri KeyTransRecipientInfo,
//   kari [1] KeyAgreeRecipientInfo,
//   kekri [2] KEKRecipientInfo,
//   pwri [3] PasswordRecipientinfo,
//   ori [4] OtherRecipientInfo }
Result<void> read_recipients(ByteView set, CmsEnvelopedData& data) {
    for (DerReader reader(set); !reader.empty();) {
        if (data.recipients() == kMostRecipients) return malformed("too many recipients");
        const auto element = reader.next();
        if (!element) return element.error();
        if (element->tag == DerTag::kSequence) {
            const auto recipient = parse_key_transport_recipient(element->content);
            if (!recipient) return in_context("KeyTransRecipientInfo", recipient.error());
            data.key_transport.push_back(*recipient);
        } else if (element->tag == context_constructed(1)) {
            const auto recipient = parse_key_agreement_recipient(element->content);
            if (!recipient) return in_context("KeyAgreeRecipientInfo", recipient.error());
            if (*recipient) {
                data.key_agreement.push_back(**recipient);
            } else {
                ++data.other_recipients;
            }
        } else if (element->tag == context_constructed(2) ||
                   element->tag == context_constructed(3) ||
                   element->tag == context_constructed(4)) {
            ++data.other_recipients;
            if (element->tag == context_constructed(3)) {
                data.password_recipients.push_back(element->content);
            }
        } else {
            return malformed("a RecipientInfo of no type that RFC 5652 has");
        }
    }
    return {};
}

/// encryptedContent [0] IMPLICIT OCTET STRING, primitive or (BER) constructed of segments.
Result<Bytes> read_encrypted_content(DerReader& reader) {
    if (reader.at(context_primitive(0))) {
        const auto octets = reader.read(context_primitive(0));
        if (!octets) return octets.error();
        return to_bytes(*octets);
    }
    const auto segments = reader.read(context_constructed(0));
    if (!segments) return segments.error();
    Bytes joined;
    joined.reserve(segments->size());
    for (DerReader each(*segments); !each.empty();) {
        const auto segment = each.read(DerTag::kOctetString);
        if (!segment) return segment.error();
        joined.insert(joined.end(), segment->begin(), segment->end());
    }
    return joined;
}

// EncryptedContentInfo ::= SEQUENCE {
//   contentType ContentType,
//   contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
//   encryptedContent [0] IMPLICIT EncryptedContent OPTIONAL }
Result<void> read_encrypted_content_info(DerReader& reader, CmsEnvelopedData& data) {
    const auto content = reader.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    const auto type = fields.read_oid();
    if (!type) return type.error();
    data.content_type = *type;
    const auto algorithm = read_algorithm(fields);
    if (!algorithm) return algorithm.error();
    data.content_encryption = *algorithm;
    auto ciphertext = read_encrypted_content(fields);
    if (!ciphertext) return in_context("encryptedContent", ciphertext.error());
    data.ciphertext = std::move(*ciphertext);
    return fields.finish("EncryptedContentInfo");
}

Result<CmsEnvelopedData> read_fields(DerReader fields, bool authenticated) {
    CmsEnvelopedData data;
    data.authenticated = authenticated;
    if (const auto version = fields.read_small_integer(); !version) return version.error();
    const auto originator = fields.read_optional(context_constructed(0));
    if (!originator) return originator.error();
    const auto recipients = fields.read(DerTag::kSet);
    if (!recipients) return recipients.error();
    if (const auto read = read_recipients(*recipients, data); !read) return read.error();
    if (const auto read = read_encrypted_content_info(fields, data); !read) return read.error();
    if (authenticated) {
        const auto tag = fields.read(DerTag::kOctetString);
        if (!tag) return in_context("mac", tag.error());
        data.tag = *tag;
    }
    const auto unprotected = fields.read_optional(context_constructed(authenticated ? 2 : 1));
    if (!unprotected) return unprotected.error();
    if (const auto end = fields.finish("the fields"); !end) return end.error();
    return data;
}

}  // namespace

// EnvelopedData ::= SEQUENCE {              AuthEnvelopedData ::= SEQUENCE {
//   version CMSVersion,                       version CMSVersion,
//   originatorInfo [0] OPTIONAL,              originatorInfo [0] OPTIONAL,
//   recipientInfos RecipientInfos,            recipientInfos RecipientInfos,
//   encryptedContentInfo,                     authEncryptedContentInfo,
//                                             authAttrs [1] OPTIONAL,
//                                             mac MessageAuthenticationCode,
//   unprotectedAttrs [1] OPTIONAL }           unauthAttrs [2] OPTIONAL }
Result<CmsEnvelopedData> parse_enveloped_data(ByteView der, bool authenticated) {
    const std::string_view what = authenticated ? "AuthEnvelopedData" : "EnvelopedData";
    DerReader outer(der);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return in_context(what, content.error());
    if (const auto end = outer.finish(what); !end) return end.error();
    auto data = read_fields(DerReader(*content), authenticated);
    if (!data) return in_context(what, data.error());
    return data;
}

}  // namespace scepgate::certs
