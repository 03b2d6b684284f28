// PasswordRecipientInfo (RFC 5652 section 6.2.4, RFC 3211, RFC 8018): content for whoever knows a
// password.
#pragma once

#include "certs/cms_enveloped_data.hpp"

namespace scepgate::certs {

/// PBKDF2 with its parameters, and the AES-CBC of the key wrap.
struct PasswordKeyWrap {
    ByteView salt;             ///< 1 to 64 octets
    std::uint32_t iterations;  ///< 1 to 1 000 000
    Digest prf;                ///< HMAC with this digest
    ContentCipher cipher;      ///< AES-128, -192 or -256 in CBC mode
    ByteView iv;
    ByteView encrypted_key;
};
/// Reads a PasswordRecipientInfo's content octets; views into them. kUnsupported: other algorithms
/// or parameters beyond these bounds, by which a sender would choose how long we work (attacks.md
/// E03). kMalformed: the structure.
Result<PasswordKeyWrap> parse_password_recipient(ByteView content);

/// The content key, of exactly `key_length` octets; nullopt when the password is wrong. The wrap
/// has a check value of three octets and no more: a wrong password passes once in 2^24.
std::optional<Secret> unwrap_key(const PasswordKeyWrap& wrap, ByteView password,
                                 std::size_t key_length);

/// An EnvelopedData (version 3, not wrapped in a ContentInfo) with AES or 3DES content for one
/// recipient by password: PBKDF2 with HMAC-SHA-256 and a key wrap with AES-256-CBC.
Result<Bytes> build_password_enveloped_data(ByteView plain, ContentCipher cipher,
                                            ByteView password);

}  // namespace scepgate::certs
