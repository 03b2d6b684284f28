// Private keys in PKCS#11 tokens.
#pragma once

#include "certs/pkcs11_uri.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs {

/// The key that the URI names: RSA or EC, with its public half readable in the token (of an EC key
/// there has to be a public key object with the same id or label). Asks the token. kConfig: there
/// is no such key or token, several, or the PIN is refused. The key signs (CKM_RSA_PKCS,
/// CKM_ECDSA), decrypts where the token lets it (CKM_RSA_X_509: padding is undone here, because a
/// token's own answer tells whether it was sound) and agrees (CKM_ECDH1_DERIVE).
[[nodiscard]] Result<PrivateKey> load_pkcs11_key(const std::filesystem::path& module,
                                                 const Pkcs11Uri& uri, const Secret& pin,
                                                 const KeyLimits& limits = {});

/// Whether a token has refused a PIN since this process began, or will take no more wrong ones.
/// What starts the process must not do so again by itself: wrong PINs lock a token.
[[nodiscard]] bool pkcs11_pin_was_refused() noexcept;

/// What a new key in a token may do.
enum class Pkcs11Use { kSign, kDecrypt, kAgree };

/// Makes a key pair in the token: not extractable, with the URI's label and id (a random id when it
/// has none). kDenied: there is a key of that name. kConfig: the URI gives no label.
[[nodiscard]] Result<PrivateKey> generate_pkcs11_key(const std::filesystem::path& module,
                                                     const Pkcs11Uri& uri, const Secret& pin,
                                                     KeySpec spec, Pkcs11Use use);

}  // namespace scepgate::certs
