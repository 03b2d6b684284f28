// Where certificates, keys and other secrets are read from, as the configuration says it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "certs/pkcs11_uri.hpp"

namespace scepgate::server {

/// {"file": …} or {"env": …}: where a secret is read from. It never stands in the file itself.
struct SecretSource {
    std::string json_path;
    std::optional<std::filesystem::path> file;
    std::optional<std::string> environment;
};

/// {"pkcs11": "pkcs11:token=…;object=…", "module": …, "pin": …}: a key in a token.
struct TokenKeySource {
    certs::Pkcs11Uri uri;
    std::filesystem::path module;     ///< the shared object that speaks to the token
    std::optional<SecretSource> pin;  ///< absent: without log-in
};

/// Where a private key is: PEM in a file or in the environment, a PKCS#12 file, or a token.
struct KeySource {
    SecretSource pem;  ///< its `json_path` is the key's, whatever it is
    std::optional<SecretSource> passphrase;
    std::optional<std::filesystem::path> pkcs12{};  ///< then there is no `pem`
    std::optional<TokenKeySource> token{};          ///< then there is no `pem`
};

/// A certificate file, which may hold the chain behind the certificate, and its private key.
struct KeyPairConfig {
    std::string json_path;
    std::filesystem::path certificate;
    KeySource key;
};

}  // namespace scepgate::server
