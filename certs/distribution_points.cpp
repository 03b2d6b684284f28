#include "certs/distribution_points.hpp"

#include "certs/der.hpp"
#include "certs/general_name.hpp"

namespace scepgate::certs {
namespace {

constexpr std::string_view kIssuingPoint = "issuingDistributionPoint";
constexpr std::string_view kPoints = "distribution points";
constexpr std::size_t kMostUris = 64;

/// uniformResourceIdentifier [6] IA5String
constexpr DerTag kUri = context_primitive(6);

//   DistributionPointName ::= CHOICE { fullName [0] GeneralNames, ... }, under its EXPLICIT [0]
Bytes point_name(const std::vector<std::string>& uris) {
    Bytes names;
    for (const std::string& uri : uris) {
        const Bytes name = der::element(kUri, as_bytes(uri));
        names.insert(names.end(), name.begin(), name.end());
    }
    return der::element(context_constructed(0), der::element(context_constructed(0), names));
}

bool is_printable(ByteView text) {
    return std::all_of(text.begin(), text.end(),
                       [](std::uint8_t octet) { return octet >= 0x20 && octet < 0x7F; });
}

Result<void> read_uris(ByteView names, std::vector<std::string>& uris) {
    for (DerReader each(names); !each.empty();) {
        const auto name = each.next();
        if (!name) return name.error();
        if (name->tag != kUri) continue;
        if (!is_printable(name->content)) return malformed("a URI that is not printable ASCII");
        if (uris.size() == kMostUris) return malformed("more than 64 URIs");
        uris.emplace_back(as_text(name->content));
    }
    return {};
}

//   DistributionPointName ::= CHOICE {
//        fullName                [0]     GeneralNames,
//        nameRelativeToCRLIssuer [1]     RelativeDistinguishedName }
Result<void> read_point_name(ByteView choice, std::vector<std::string>& uris) {
    DerReader reader(choice);
    const auto element = reader.next();
    if (!element) return element.error();
    if (element->tag == context_constructed(1)) {
        return unsupported("nameRelativeToCRLIssuer");
    }
    if (element->tag != context_constructed(0)) return malformed("no DistributionPointName");
    if (const auto end = reader.finish("distributionPoint"); !end) return end.error();
    return read_uris(element->content, uris);
}

/// BOOLEAN DEFAULT FALSE under an IMPLICIT tag; an explicit FALSE is tolerated.
Result<bool> read_flag(DerReader& reader, unsigned number) {
    const auto octets = reader.read_optional(context_primitive(number));
    if (!octets) return octets.error();
    if (!*octets) return false;
    const ByteView value = **octets;
    if (value.size() != 1 || (value[0] != 0x00 && value[0] != 0xFF)) {
        return malformed("BOOLEAN that is neither 00 nor FF");
    }
    return value[0] != 0;
}

//   IssuingDistributionPoint ::= SEQUENCE {
//        distributionPoint          [0] DistributionPointName OPTIONAL,
//        onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
//        onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
//        onlySomeReasons            [3] ReasonFlags OPTIONAL,
//        indirectCRL                [4] BOOLEAN DEFAULT FALSE,
//        onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
Result<IssuingDistributionPoint> read_issuing_point(ByteView value) {
    DerReader outer(value);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return content.error();
    if (const auto end = outer.finish("after it"); !end) return end.error();
    DerReader fields(*content);
    IssuingDistributionPoint point;
    const auto name = fields.read_optional(context_constructed(0));
    if (!name) return name.error();
    if (*name) {
        if (const auto read = read_point_name(**name, point.uris); !read) return read.error();
    }
    const auto user = read_flag(fields, 1);
    if (!user) return user.error();
    point.only_user_certificates = *user;
    const auto ca = read_flag(fields, 2);
    if (!ca) return ca.error();
    point.only_ca_certificates = *ca;
    if (fields.at(context_primitive(3))) return unsupported("onlySomeReasons");
    const auto indirect = read_flag(fields, 4);
    if (!indirect) return indirect.error();
    if (*indirect) return unsupported("indirectCRL");
    const auto attribute = read_flag(fields, 5);
    if (!attribute) return attribute.error();
    if (*attribute) return unsupported("onlyContainsAttributeCerts");
    if (const auto end = fields.finish("its fields"); !end) return end.error();
    if (*user && *ca) return malformed("onlyContainsUserCerts and onlyContainsCACerts");
    return point;
}

//   CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint
//   DistributionPoint ::= SEQUENCE {
//        distributionPoint       [0]     DistributionPointName OPTIONAL,
//        reasons                 [1]     ReasonFlags OPTIONAL,
//        cRLIssuer               [2]     GeneralNames OPTIONAL }
Result<std::vector<std::string>> read_points(ByteView value) {
    DerReader outer(value);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return content.error();
    if (const auto end = outer.finish("after them"); !end) return end.error();
    std::vector<std::string> uris;
    for (DerReader list(*content); !list.empty();) {
        const auto point = list.read(DerTag::kSequence);
        if (!point) return point.error();
        DerReader fields(*point);
        const auto name = fields.read_optional(context_constructed(0));
        if (!name) return name.error();
        // A name relative to the issuer is one of those without a URI.
        const bool relative = *name && DerReader(**name).at(context_constructed(1));
        if (!*name || relative) continue;
        if (const auto read = read_point_name(**name, uris); !read) return read.error();
    }
    return uris;
}

}  // namespace

Result<Bytes> encode_issuing_distribution_point(const IssuingDistributionPoint& point) {
    for (const std::string& uri : point.uris) {
        const auto name = GeneralName::make(GeneralNameType::kUri, uri);
        if (!name) return in_context(kIssuingPoint, name.error());
    }
    if (point.uris.empty() && point.covers_all()) {
        return malformed("issuingDistributionPoint: it would be empty");
    }
    if (point.only_user_certificates && point.only_ca_certificates) {
        return malformed("issuingDistributionPoint: it would cover no certificate");
    }
    constexpr std::array<std::uint8_t, 1> kTrue{0xFF};
    const auto flag = [&kTrue](bool set, unsigned number) {
        return set ? der::element(context_primitive(number), kTrue) : Bytes{};
    };
    return der::sequence({point.uris.empty() ? Bytes{} : point_name(point.uris),
                          flag(point.only_user_certificates, 1),
                          flag(point.only_ca_certificates, 2)});
}

Result<IssuingDistributionPoint> parse_issuing_distribution_point(ByteView value) {
    auto point = read_issuing_point(value);
    if (!point) return in_context(kIssuingPoint, point.error());
    return point;
}

Bytes encode_distribution_points(const std::vector<std::string>& uris) {
    return der::sequence({der::sequence({point_name(uris)})});
}

Result<std::vector<std::string>> parse_distribution_points(ByteView value) {
    auto uris = read_points(value);
    if (!uris) return in_context(kPoints, uris.error());
    return uris;
}

}  // namespace scepgate::certs
