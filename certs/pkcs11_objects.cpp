#include "certs/pkcs11_objects.hpp"

#include <cstring>

#include "certs/der.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

Bytes octets_of(CK_ULONG number) {
    Bytes octets(sizeof number);
    std::memcpy(octets.data(), &number, sizeof number);
    return octets;
}

CK_RV number_of(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE object,
                CK_ATTRIBUTE_TYPE type, CK_ULONG& number) {
    Bytes octets;
    const CK_RV status = read_attribute(session, object, type, octets);
    if (status != CKR_OK) return status;
    if (octets.size() != sizeof number) return CKR_ATTRIBUTE_TYPE_INVALID;
    std::memcpy(&number, octets.data(), sizeof number);
    return CKR_OK;
}

CK_RV read_rsa(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE key, Bytes& spki) {
    Bytes modulus;
    Bytes exponent;
    CK_RV status = read_attribute(session, key, CKA_MODULUS, modulus);
    if (status == CKR_OK) status = read_attribute(session, key, CKA_PUBLIC_EXPONENT, exponent);
    if (status != CKR_OK || modulus.empty() || exponent.empty()) return status;
    spki = der::sequence({der::sequence({der::oid(oid::kRsaEncryption), der::null()}),
                          der::bit_string(der::sequence(
                              {der::unsigned_integer(modulus), der::unsigned_integer(exponent)}))});
    return CKR_OK;
}

/// CKA_EC_POINT is an OCTET STRING of the point; some tokens give the point itself.
Bytes point_of(const Bytes& value) {
    DerReader reader(value);
    const auto inner = reader.read(DerTag::kOctetString);
    return inner && reader.empty() ? to_bytes(*inner) : value;
}

CK_RV read_ec(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE key, const Pkcs11Uri& uri,
              Bytes& spki) {
    Bytes id;
    CK_RV status = read_attribute(session, key, CKA_ID, id);
    if (status != CKR_OK) return status;
    Pkcs11Attributes wanted;
    wanted.add_number(CKA_CLASS, CKO_PUBLIC_KEY);
    if (id.empty()) {
        wanted.add_name(uri);
    } else {
        wanted.add(CKA_ID, id);
    }
    std::vector<CK_OBJECT_HANDLE> found;
    status = find_objects(session, wanted, found);
    if (status != CKR_OK || found.size() != 1) return status;
    Bytes curve;
    Bytes point;
    status = read_attribute(session, found.front(), CKA_EC_PARAMS, curve);
    if (status == CKR_OK) status = read_attribute(session, found.front(), CKA_EC_POINT, point);
    if (status != CKR_OK || curve.empty() || point.empty()) return status;
    spki = der::sequence(
        {der::sequence({der::oid(oid::kEcPublicKey), curve}), der::bit_string(point_of(point))});
    return CKR_OK;
}

}  // namespace

Pkcs11Attributes& Pkcs11Attributes::add(CK_ATTRIBUTE_TYPE type, ByteView value) {
    values_.emplace_back(type, to_bytes(value));
    return *this;
}

Pkcs11Attributes& Pkcs11Attributes::add_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    return add(type, octets_of(value));
}

Pkcs11Attributes& Pkcs11Attributes::add_flag(CK_ATTRIBUTE_TYPE type, bool value) {
    const CK_BBOOL flag = value ? CK_TRUE : CK_FALSE;
    return add(type, {&flag, 1});
}

Pkcs11Attributes& Pkcs11Attributes::add_name(const Pkcs11Uri& uri) {
    if (!uri.object.empty()) add(CKA_LABEL, as_bytes(uri.object));
    if (!uri.id.empty()) add(CKA_ID, uri.id);
    return *this;
}

std::vector<CK_ATTRIBUTE>& Pkcs11Attributes::list() {
    list_.clear();
    for (auto& [type, value] : values_)
        list_.push_back({type, value.data(), value.size()});
    return list_;
}

CK_RV find_objects(const Pkcs11Token::Session& session, Pkcs11Attributes& wanted,
                   std::vector<CK_OBJECT_HANDLE>& found) {
    auto& list = wanted.list();
    CK_RV status = session.call.C_FindObjectsInit(session.handle, list.data(), list.size());
    if (status != CKR_OK) return status;
    found.resize(2);
    CK_ULONG count = 0;
    status = session.call.C_FindObjects(session.handle, found.data(), found.size(), &count);
    found.resize(status == CKR_OK ? count : 0);
    const CK_RV ended = session.call.C_FindObjectsFinal(session.handle);
    return status != CKR_OK ? status : ended;
}

CK_RV read_attribute(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE object,
                     CK_ATTRIBUTE_TYPE type, Bytes& value) {
    constexpr CK_ULONG kLargest = 64 * 1024;
    CK_ATTRIBUTE attribute{type, nullptr, 0};
    CK_RV status = session.call.C_GetAttributeValue(session.handle, object, &attribute, 1);
    value.clear();
    if (status == CKR_ATTRIBUTE_TYPE_INVALID || status == CKR_ATTRIBUTE_SENSITIVE) return CKR_OK;
    if (status != CKR_OK) return status;
    if (attribute.ulValueLen == 0) return CKR_OK;
    if (attribute.ulValueLen > kLargest) return CKR_ATTRIBUTE_TYPE_INVALID;
    value.resize(attribute.ulValueLen);
    attribute.pValue = value.data();
    status = session.call.C_GetAttributeValue(session.handle, object, &attribute, 1);
    if (status == CKR_OK) value.resize(std::min<std::size_t>(attribute.ulValueLen, value.size()));
    return status;
}

CK_RV read_spki(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE key, const Pkcs11Uri& uri,
                Bytes& spki) {
    spki.clear();
    CK_ULONG type = 0;
    const CK_RV status = number_of(session, key, CKA_KEY_TYPE, type);
    if (status != CKR_OK) return status;
    if (type == CKK_RSA) return read_rsa(session, key, spki);
    if (type == CKK_EC) return read_ec(session, key, uri, spki);
    return CKR_KEY_TYPE_INCONSISTENT;
}

}  // namespace scepgate::certs
