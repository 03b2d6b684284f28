// Certificates, requests, CRLs and the small structures that name them.
#include "certs/clock.hpp"
#include "certs/crl.hpp"
#include "certs/csr.hpp"
#include "certs/oids.hpp"
#include "server/cli/describe_parts.hpp"

namespace scepgate::server::cli {
namespace {

using certs::DerReader;
using certs::DerTag;
namespace oid = certs::oid;

template <class T, class Words>
std::string words_or_error(const Result<T>& result, Words words) {
    return result ? words(*result) : "(unreadable: " + result.error().detail + ")";
}

std::string key_text(ByteView spki) {
    const auto key = certs::PublicKey::from_spki(spki, wide_key_limits());
    return key ? key->text() : "(not usable: " + key.error().detail + ")";
}

std::string extension_text(const certs::Extension& extension) {
    if (equal(extension.oid, oid::kKeyUsage)) {
        return words_or_error(certs::KeyUsage::from_der(extension.value),
                              [](const auto& usage) { return usage.text(); });
    }
    if (equal(extension.oid, oid::kExtKeyUsage)) {
        return words_or_error(certs::parse_extended_key_usage(extension.value),
                              [](const auto& usages) { return certs::to_text(usages); });
    }
    if (equal(extension.oid, oid::kSubjectAltName)) {
        return words_or_error(certs::parse_general_names(extension.value),
                              [](const auto& names) { return certs::to_text(names); });
    }
    if (equal(extension.oid, oid::kBasicConstraints)) {
        return words_or_error(certs::parse_basic_constraints(extension.value),
                              [](bool ca) { return std::string(ca ? "CA" : "no CA"); });
    }
    if (equal(extension.oid, oid::kNtdsCaSecurity)) {
        return words_or_error(certs::parse_sid_extension(extension.value),
                              [](const auto& sid) { return sid; });
    }
    if (equal(extension.oid, oid::kSubjectKeyIdentifier)) {
        DerReader reader(extension.value);
        const auto identifier = reader.read(DerTag::kOctetString);
        if (identifier) return to_hex(*identifier);
    }
    return std::to_string(extension.value.size()) + " octets";
}

Facts extension_facts(const std::vector<certs::Extension>& extensions) {
    Facts facts = Facts::object();
    for (const auto& extension : extensions) {
        facts[oid_name(extension.oid)] =
            extension_text(extension) + (extension.critical ? " (critical)" : "");
    }
    return facts;
}

/// Of a challenge only how long it is, and the outside of a blob.
Facts challenge_facts(ByteView text) {
    Facts facts{{"what", "a password; not shown"}, {"octets", text.size()}};
    const auto der = from_base64(as_text(text));
    if (!der) return facts;
    auto outside = describe_signed_data(*der, nullptr, 1);
    if (!outside) return facts;
    facts["what"] = "a challenge blob; only its outside can be read";
    facts["blob"] = std::move(*outside);
    return facts;
}

//   Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET SIZE(1..MAX) OF ANY }
Result<void> add_attribute(ByteView content, Facts& attributes) {
    DerReader reader(content);
    const auto type = reader.read_oid();
    if (!type) return type.error();
    const auto values = reader.read(DerTag::kSet);
    if (!values) return values.error();
    DerReader each(*values);
    const auto value = each.next();
    if (!value) return value.error();
    const std::string name = oid_name(*type);
    if (equal(*type, oid::kChallengePassword)) {
        attributes[name] = challenge_facts(value->content);
        return {};
    }
    const auto extensions = certs::parse_extensions(value->whole);
    if (extensions) {
        attributes[name] = extension_facts(*extensions);
    } else {
        attributes[name] = std::to_string(values->size()) + " octets";
    }
    return {};
}

//   CertificationRequestInfo ::= SEQUENCE {
//        version       INTEGER,
//        subject       Name,
//        subjectPKInfo SubjectPublicKeyInfo,
//        attributes    [0] Attributes }
Result<Facts> read_csr(ByteView der) {
    DerReader outer(der);
    const auto request = outer.read(DerTag::kSequence);
    if (!request) return request.error();
    DerReader parts(*request);
    const auto info = parts.read(DerTag::kSequence);
    if (!info) return info.error();
    const auto algorithm = certs::read_algorithm(parts);
    if (!algorithm) return algorithm.error();

    DerReader reader(*info);
    const auto version = reader.read_small_integer();
    if (!version) return version.error();
    const auto subject = reader.read_whole(DerTag::kSequence);
    if (!subject) return subject.error();
    const auto spki = reader.read_whole(DerTag::kSequence);
    if (!spki) return spki.error();
    const auto attributes = reader.read_optional(certs::context_constructed(0));
    if (!attributes) return attributes.error();

    Facts facts{{"what", "certificate request (PKCS#10)"},
                {"octets", der.size()},
                {"version", *version},
                {"subject", name_text(*subject)},
                {"key", key_text(*spki)},
                {"signature_algorithm", algorithm_name(*algorithm)}};
    Facts listed = Facts::object();
    DerReader each(attributes->value_or(ByteView()));
    while (!each.empty()) {
        const auto attribute = each.read(DerTag::kSequence);
        if (!attribute) return attribute.error();
        if (const auto added = add_attribute(*attribute, listed); !added) return added.error();
    }
    facts["attributes"] = std::move(listed);

    certs::CsrLimits limits;
    limits.key = wide_key_limits();
    const auto judged = certs::Csr::from_der(der, limits);
    facts["judgement"] = judged ? "sound; its signature verifies" : judged.error().detail;
    return found(std::move(facts));
}

Facts entry_facts(const certs::Crl::Entry& entry) {
    Facts facts{{"serial", to_hex(entry.serial)},
                {"revoked_at", certs::utc_text(entry.revoked_at)},
                {"reason", certs::to_text(entry.reason)}};
    if (entry.invalidity_date) facts["invalidity_date"] = certs::utc_text(*entry.invalidity_date);
    return facts;
}

/// What a sound CRL says beside its issuer and times.
void add_crl_facts(const certs::Crl& crl, Facts& facts) {
    constexpr std::size_t kMostShown = 20;
    if (!crl.number().empty()) facts["number"] = to_hex(crl.number());
    if (const auto base = crl.base_number()) facts["delta_to_number"] = to_hex(*base);
    if (const auto identifier = crl.authority_key_identifier())
        facts["authority_key_identifier"] = to_hex(*identifier);
    if (const auto& point = crl.issuing_distribution_point()) {
        facts["issuing_distribution_point"] = {
            {"uris", point->uris},
            {"only_user_certificates", point->only_user_certificates},
            {"only_ca_certificates", point->only_ca_certificates}};
    }
    if (!crl.freshest_crl_urls().empty()) facts["freshest_crl_urls"] = crl.freshest_crl_urls();
    Facts first = Facts::array();
    for (const certs::Crl::Entry entry : crl.entries()) {
        if (first.size() == kMostShown) break;
        first.push_back(entry_facts(entry));
    }
    if (!first.empty()) facts["first_entries"] = std::move(first);
    facts["judgement"] = crl.base_number()   ? "sound; a delta"
                         : crl.is_complete() ? "sound; complete"
                                             : "sound; of some of its issuer's certificates alone";
}

//   TBSCertList ::= SEQUENCE { version INTEGER OPTIONAL, signature AlgorithmIdentifier,
//        issuer Name, thisUpdate Time, nextUpdate Time OPTIONAL,
//        revokedCertificates SEQUENCE OF SEQUENCE { … } OPTIONAL, crlExtensions [0] … }
Result<Facts> read_crl(ByteView der) {
    DerReader outer(der);
    const auto list = outer.read(DerTag::kSequence);
    if (!list) return list.error();
    DerReader parts(*list);
    const auto tbs = parts.read(DerTag::kSequence);
    if (!tbs) return tbs.error();
    DerReader reader(*tbs);
    if (reader.at(DerTag::kInteger)) {
        if (const auto version = reader.read_small_integer(); !version) return version.error();
    }
    const auto algorithm = certs::read_algorithm(reader);
    if (!algorithm) return algorithm.error();
    const auto issuer = reader.read_whole(DerTag::kSequence);
    if (!issuer) return issuer.error();
    const auto begin = reader.next();
    if (!begin) return begin.error();
    const auto this_update = certs::read_time(*begin);
    if (!this_update) return this_update.error();
    Facts facts{{"what", "certificate revocation list"},
                {"octets", der.size()},
                {"issuer", name_text(*issuer)},
                {"signature_algorithm", algorithm_name(*algorithm)},
                {"this_update", certs::utc_text(*this_update)}};
    if (reader.at(DerTag::kUtcTime) || reader.at(DerTag::kGeneralizedTime)) {
        const auto end = reader.next();
        if (!end) return end.error();
        const auto next_update = certs::read_time(*end);
        if (!next_update) return next_update.error();
        facts["next_update"] = certs::utc_text(*next_update);
    }
    std::size_t revoked = 0;
    if (const auto entries = reader.read_optional(DerTag::kSequence); entries && *entries) {
        for (DerReader each(**entries); !each.empty(); ++revoked) {
            if (const auto entry = each.next(); !entry) return entry.error();
        }
    }
    facts["revoked_certificates"] = revoked;
    if (const auto judged = certs::Crl::from_der(der, certs::CrlScope::kAny)) {
        add_crl_facts(*judged, facts);
    } else {
        facts["judgement"] = judged.error().detail;
    }
    return found(std::move(facts));
}

//   IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber INTEGER }
//   issuerAndSubject      ::= SEQUENCE { issuer Name, subject Name }
Result<Facts> read_query(ByteView der) {
    DerReader outer(der);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader reader(*content);
    const auto issuer = reader.read_whole(DerTag::kSequence);
    if (!issuer) return issuer.error();
    if (const auto name = certs::Name::from_der(*issuer); !name) return name.error();
    const auto second = reader.next();
    if (!second) return second.error();
    if (const auto end = reader.finish("query"); !end) return end.error();
    if (second->tag == DerTag::kInteger) {
        return found({{"what", "IssuerAndSerialNumber"},
                      {"issuer", name_text(*issuer)},
                      {"serial", to_hex(second->content)}});
    }
    if (second->tag != DerTag::kSequence) return malformed("neither serial nor subject");
    return found({{"what", "issuerAndSubject"},
                  {"issuer", name_text(*issuer)},
                  {"subject", name_text(second->whole)}});
}

std::optional<Facts> if_read(Result<Facts> facts) {
    if (!facts) return std::nullopt;
    return std::move(*facts);
}

}  // namespace

Facts describe_certificate(const certs::Certificate& certificate) {
    DerReader outer(certificate.der());
    std::string algorithm = "?";
    if (const auto parts = outer.read(DerTag::kSequence)) {
        DerReader reader(*parts);
        if (reader.read(DerTag::kSequence)) {
            if (const auto read = certs::read_algorithm(reader)) algorithm = algorithm_name(*read);
        }
    }
    return {{"what", "certificate"},
            {"subject", name_text(certificate.subject_der())},
            {"issuer", name_text(certificate.issuer_der())},
            {"serial", certificate.serial_hex()},
            {"not_before", certs::utc_text(certificate.not_before())},
            {"not_after", certs::utc_text(certificate.not_after())},
            {"key", key_text(certificate.spki())},
            {"signature_algorithm", algorithm},
            {"fingerprint_sha256", to_hex(certificate.fingerprint())},
            {"extensions", extension_facts(certificate.extensions())}};
}

std::optional<Facts> describe_csr(ByteView der) {
    return if_read(read_csr(der));
}

std::optional<Facts> describe_crl(ByteView der) {
    return if_read(read_crl(der));
}

std::optional<Facts> describe_query(ByteView der) {
    return if_read(read_query(der));
}

}  // namespace scepgate::server::cli
