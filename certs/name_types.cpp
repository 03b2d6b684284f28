#include "certs/name_types.hpp"

#include "certs/asn1_string.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

// Upper bounds: RFC 5280 appendix A; street from X.520 and the PKCS#9 ones from RFC 2985.
constexpr NameType kNameTypes[] = {
    {oid::kCommonName, "CN", "commonName", DerTag::kUtf8String, 64},
    {oid::kSurname, "SN", "surname", DerTag::kUtf8String, 32768},
    {oid::kSerialNumber, "serialNumber", "serialNumber", DerTag::kPrintableString, 64},
    {oid::kCountryName, "C", "countryName", DerTag::kPrintableString, 2},
    {oid::kLocalityName, "L", "localityName", DerTag::kUtf8String, 128},
    {oid::kStateOrProvinceName, "ST", "stateOrProvinceName", DerTag::kUtf8String, 128},
    {oid::kStreetAddress, "street", "streetAddress", DerTag::kUtf8String, 128},
    {oid::kOrganizationName, "O", "organizationName", DerTag::kUtf8String, 64},
    {oid::kOrganizationalUnitName, "OU", "organizationalUnitName", DerTag::kUtf8String, 64},
    {oid::kTitle, "title", "title", DerTag::kUtf8String, 64},
    {oid::kGivenName, "GN", "givenName", DerTag::kUtf8String, 32768},
    {oid::kDomainComponent, "DC", "domainComponent", DerTag::kIa5String, 0},
    {oid::kUserId, "UID", "userId", DerTag::kUtf8String, 0},
    {oid::kEmailAddress, "emailAddress", "E", DerTag::kIa5String, 255},
    {oid::kUnstructuredName, "unstructuredName", "unstructuredName", DerTag::kUtf8String, 255},
    {oid::kUnstructuredAddress, "unstructuredAddress", "unstructuredAddress", DerTag::kUtf8String,
     255},
};

}  // namespace

const NameType* find_name_type(ByteView oid) noexcept {
    for (const NameType& type : kNameTypes) {
        if (equal(type.oid, oid)) return &type;
    }
    return nullptr;
}

const NameType* find_name_type(std::string_view name) noexcept {
    for (const NameType& type : kNameTypes) {
        if (equal_ignoring_ascii_case(type.name, name) ||
            equal_ignoring_ascii_case(type.long_name, name)) {
            return &type;
        }
    }
    return nullptr;
}

}  // namespace scepgate::certs
