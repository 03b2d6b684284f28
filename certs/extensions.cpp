#include "certs/extensions.hpp"

#include <charconv>

#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kMaxExtensions = 64;

//   Extension  ::=  SEQUENCE  {
//        extnID      OBJECT IDENTIFIER,
//        critical    BOOLEAN DEFAULT FALSE,
//        extnValue   OCTET STRING }
Result<Extension> read_extension(ByteView content) {
    DerReader fields(content);
    Extension extension;
    const auto oid = fields.read_oid();
    if (!oid) return oid.error();
    extension.oid = *oid;
    if (fields.at(DerTag::kBoolean)) {
        const auto critical = fields.read_boolean();
        if (!critical) return critical.error();
        extension.critical = *critical;
    }
    const auto value = fields.read(DerTag::kOctetString);
    if (!value) return value.error();
    extension.value = *value;
    if (const auto end = fields.finish("extension"); !end) return end.error();
    return extension;
}

/// "S-1-" authority and 1 to 15 subauthorities, in decimal (MS-DTYP section 2.4.2.1).
bool is_sid(std::string_view text) {
    constexpr std::string_view kStart = "S-1-";
    constexpr std::uint64_t kMaxAuthority = (std::uint64_t{1} << 48U) - 1;
    constexpr std::uint64_t kMaxSubauthority = 0xFFFFFFFF;
    constexpr std::size_t kMaxParts = 16;
    if (!text.starts_with(kStart)) return false;
    std::size_t parts = 0;
    for (std::size_t at = kStart.size(); at <= text.size(); ++parts) {
        const std::size_t dash = std::min(text.find('-', at), text.size());
        const char* const end = text.data() + dash;
        std::uint64_t number = 0;
        const auto [stopped, failure] = std::from_chars(text.data() + at, end, number);
        if (failure != std::errc{} || stopped != end) return false;
        if (number > (parts == 0 ? kMaxAuthority : kMaxSubauthority)) return false;
        if (text[at] == '0' && dash - at > 1) return false;
        at = dash + 1;
    }
    return parts >= 2 && parts <= kMaxParts;
}

}  // namespace

Result<std::vector<Extension>> parse_extensions(ByteView der) {
    DerReader outer(der);
    const auto sequence = outer.read(DerTag::kSequence);
    if (!sequence) return in_context("extensions", sequence.error());
    if (const auto end = outer.finish("extensions"); !end) return end.error();

    std::vector<Extension> extensions;
    for (DerReader reader(*sequence); !reader.empty();) {
        if (extensions.size() == kMaxExtensions) return malformed("extensions: more than 64");
        const auto content = reader.read(DerTag::kSequence);
        if (!content) return in_context("extensions", content.error());
        const auto extension = read_extension(*content);
        if (!extension) return in_context("extensions", extension.error());
        if (find_extension(extensions, extension->oid) != nullptr) {
            return malformed("extensions: " + oid_to_text(extension->oid) + " comes twice");
        }
        extensions.push_back(*extension);
    }
    return extensions;
}

const Extension* find_extension(const std::vector<Extension>& extensions, ByteView oid) noexcept {
    for (const Extension& extension : extensions) {
        if (equal(extension.oid, oid)) return &extension;
    }
    return nullptr;
}

Bytes encode_extension(ByteView oid, bool critical, ByteView value) {
    return der::sequence(
        {der::oid(oid), critical ? der::boolean(true) : Bytes{}, der::octet_string(value)});
}

//   BasicConstraints ::= SEQUENCE {
//        cA                      BOOLEAN DEFAULT FALSE,
//        pathLenConstraint       INTEGER (0..MAX) OPTIONAL }
Result<bool> parse_basic_constraints(ByteView value) {
    DerReader outer(value);
    const auto sequence = outer.read(DerTag::kSequence);
    if (!sequence) return in_context("basic constraints", sequence.error());
    if (const auto end = outer.finish("basic constraints"); !end) return end.error();

    DerReader fields(*sequence);
    bool ca = false;
    if (fields.at(DerTag::kBoolean)) {
        const auto flag = fields.read_boolean();
        if (!flag) return in_context("basic constraints", flag.error());
        ca = *flag;
    }
    if (fields.at(DerTag::kInteger)) {
        const auto length = fields.read_small_integer();
        if (!length) return in_context("basic constraints", length.error());
    }
    if (const auto end = fields.finish("basic constraints"); !end) return end.error();
    return ca;
}

// MS-WCCE section 2.2.2.7.7.4: GeneralNames with one otherName,
//   [0] { OBJECT IDENTIFIER szOID_NTDS_OBJECTSID, [0] { OCTET STRING } }
Result<std::string> parse_sid_extension(ByteView value) {
    constexpr std::string_view kWhat = "SID extension";
    DerReader outer(value);
    const auto sequence = outer.read(DerTag::kSequence);
    if (!sequence) return in_context(kWhat, sequence.error());
    if (const auto end = outer.finish(kWhat); !end) return end.error();
    DerReader names(*sequence);
    const auto other_name = names.read(context_constructed(0));
    if (!other_name) return in_context(kWhat, other_name.error());
    if (const auto end = names.finish(kWhat); !end) return end.error();
    DerReader fields(*other_name);
    const auto type = fields.read_oid();
    if (!type) return in_context(kWhat, type.error());
    if (!equal(*type, oid::kNtdsObjectSid)) {
        return malformed("SID extension: otherName " + oid_to_text(*type));
    }
    const auto wrapped = fields.read(context_constructed(0));
    if (!wrapped) return in_context(kWhat, wrapped.error());
    if (const auto end = fields.finish(kWhat); !end) return end.error();
    DerReader inner(*wrapped);
    const auto sid = inner.read(DerTag::kOctetString);
    if (!sid) return in_context(kWhat, sid.error());
    if (const auto end = inner.finish(kWhat); !end) return end.error();
    if (!is_sid(as_text(*sid))) return malformed("SID extension: not a SID like S-1-5-21-...");
    return std::string(as_text(*sid));
}

Bytes encode_sid_extension(std::string_view sid) {
    return der::sequence({der::element(
        context_constructed(0),
        der::concat({der::oid(oid::kNtdsObjectSid),
                     der::element(context_constructed(0), der::octet_string(as_bytes(sid)))}))});
}

}  // namespace scepgate::certs
