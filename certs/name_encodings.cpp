// Which string types the attributes of a name may have, and names in those alone.
#include <algorithm>

#include "certs/asn1_string.hpp"
#include "certs/name.hpp"
#include "certs/name_types.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

bool is_two_letters(std::string_view value) {
    const auto letter = [](char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; };
    return value.size() == 2 && letter(value[0]) && letter(value[1]);
}

/// Within the alphabet of its type, and so read by all verifiers in one way. T.61 beyond ASCII is
/// read in many, and UniversalString by some not at all.
bool is_sound(DerTag encoding, std::string_view value) {
    switch (encoding) {
        case DerTag::kUtf8String:
        case DerTag::kBmpString:
            return true;
        case DerTag::kPrintableString:
            return fits_printable_string(value);
        case DerTag::kNumericString:
            return value.find_first_not_of("0123456789 ") == std::string_view::npos;
        case DerTag::kIa5String:
        case DerTag::kT61String:
            return is_ascii(value);
        default:
            return false;
    }
}

/// By the attribute's syntax (RFC 5280 appendix A).
bool takes(const NameType* type, DerTag encoding) {
    if (type == nullptr) return true;
    if (type->encoding != DerTag::kUtf8String) return encoding == type->encoding;
    // PKCS9String (RFC 2985 section 5.4.2); the others are DirectoryStrings.
    if (encoding == DerTag::kIa5String) return equal(type->oid, oid::kUnstructuredName);
    return encoding != DerTag::kNumericString;
}

/// The attribute's own where that is legal, else the one it can be mended to.
Result<DerTag> legal_encoding(const NameAttribute& attribute) {
    const NameType* type = find_name_type(attribute.type);
    const auto mended = encoding_for(type, attribute.value);
    const bool legal =
        takes(type, attribute.encoding) && is_sound(attribute.encoding, attribute.value);
    return mended && legal ? Result<DerTag>(attribute.encoding) : mended;
}

bool is_legal(const NameAttribute& attribute) {
    const auto legal = legal_encoding(attribute);
    return !legal || *legal == attribute.encoding;
}

}  // namespace

Result<DerTag> encoding_for(const NameType* type, std::string_view value) {
    if (type == nullptr) return DerTag::kUtf8String;
    const auto refuse = [type](std::string_view what) {
        return Error{Errc::kDenied, std::string(type->name) + " " + std::string(what)};
    };
    if (equal(type->oid, oid::kCountryName) && !is_two_letters(value))
        return refuse("is not two letters, as ISO 3166 has them for a country");
    const bool ascii = is_ascii(value);
    if (!ascii && type->encoding != DerTag::kUtf8String)
        return refuse("has other characters than those of ASCII");
    // Serial numbers of machines have underscores. Nobody fails to read it so.
    if (type->encoding == DerTag::kPrintableString && !fits_printable_string(value))
        return DerTag::kUtf8String;
    return type->encoding;
}

Result<void> Name::check_legal_form() const {
    for (const Rdn& rdn : rdns_) {
        for (auto attribute = rdn.begin(); attribute != rdn.end(); ++attribute) {
            const auto encoding = legal_encoding(*attribute);
            if (!encoding) return in_context("name", encoding.error());
            const auto again = std::find_if(attribute + 1, rdn.end(), [&](const auto& other) {
                return matches(*attribute, other);
            });
            if (again == rdn.end()) continue;
            const NameType* type = find_name_type(attribute->type);
            return Error{
                Errc::kDenied,
                "name: " + (type ? std::string(type->name) : oid_to_text(attribute->type)) + "=" +
                    escape_name_value(attribute->value) + " stands twice in one RDN"};
        }
    }
    return {};
}

Result<void> Name::check_certifiable() const {
    if (auto bounds = check_upper_bounds(); !bounds) return bounds;
    return check_legal_form();
}

Name in_legal_form(Name name) {
    const auto as_it_should = [](const Rdn& rdn) { return rdn.size() == 1 && is_legal(rdn[0]); };
    if (std::all_of(name.rdns().begin(), name.rdns().end(), as_it_should)) return name;

    Bytes mended;
    DerReader outer(name.der());
    DerReader rdns(outer.read(DerTag::kSequence).value());
    for (const Rdn& rdn : name.rdns()) {
        std::vector<Bytes> attributes;
        DerReader set(rdns.read(DerTag::kSet).value());
        for (const NameAttribute& attribute : rdn) {
            const ByteView whole = set.read_whole(DerTag::kSequence).value();
            if (is_legal(attribute)) {
                attributes.push_back(to_bytes(whole));
                continue;
            }
            const Bytes value = der::element(*legal_encoding(attribute), as_bytes(attribute.value));
            attributes.push_back(der::sequence({der::oid(attribute.type), value}));
        }
        const Bytes sorted = der::set_of(std::move(attributes));
        mended.insert(mended.end(), sorted.begin(), sorted.end());
    }
    return Name::from_der(der::element(DerTag::kSequence, mended)).value();
}

}  // namespace scepgate::certs
