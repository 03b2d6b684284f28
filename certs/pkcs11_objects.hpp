// Objects of a PKCS#11 token: finding them, and what they say.
#pragma once

#include "certs/pkcs11_token.hpp"
#include "certs/public_key.hpp"

namespace scepgate::certs {

/// A template for searching or making. Its values are kept alive here.
class Pkcs11Attributes {
public:
    Pkcs11Attributes& add(CK_ATTRIBUTE_TYPE type, ByteView value);
    Pkcs11Attributes& add_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
    Pkcs11Attributes& add_flag(CK_ATTRIBUTE_TYPE type, bool value);
    /// CKA_LABEL and CKA_ID, as far as the URI has them.
    Pkcs11Attributes& add_name(const Pkcs11Uri& uri);

    /// For a call; good until something is added.
    [[nodiscard]] std::vector<CK_ATTRIBUTE>& list();

private:
    std::vector<std::pair<CK_ATTRIBUTE_TYPE, Bytes>> values_;
    std::vector<CK_ATTRIBUTE> list_;
};

/// The handles of up to two objects that fit: whether there is one, and only one.
CK_RV find_objects(const Pkcs11Token::Session& session, Pkcs11Attributes& wanted,
                   std::vector<CK_OBJECT_HANDLE>& found);

/// An attribute's octets; empty when the object has none, or does not tell it.
CK_RV read_attribute(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE object,
                     CK_ATTRIBUTE_TYPE type, Bytes& value);

/// The public half of a private key object, from itself (RSA) or the public key object beside it.
/// `spki` stays empty where it cannot be had.
CK_RV read_spki(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE key, const Pkcs11Uri& uri,
                Bytes& spki);

}  // namespace scepgate::certs
