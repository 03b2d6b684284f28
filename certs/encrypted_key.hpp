// Private keys in files that are of no use without their passphrase.
#pragma once

#include "certs/private_key.hpp"

namespace scepgate::certs {

/// PKCS#8 PEM, encrypted with AES-256-CBC under a key by PBKDF2. PrivateKey::from_pem() reads it.
/// kConfig: the passphrase is empty.
[[nodiscard]] Result<Secret> to_encrypted_pem(const PrivateKey& key, const Secret& passphrase);

}  // namespace scepgate::certs
