// Where certificates, keys and other secrets are read from, as the configuration says it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace scepgate::server {

/// {"file": …} or {"env": …}: where a secret is read from. It never stands in the file itself.
struct SecretSource {
    std::string json_path;
    std::optional<std::filesystem::path> file;
    std::optional<std::string> environment;
};

struct KeySource {
    SecretSource pem;
    std::optional<SecretSource> passphrase;
};

/// A certificate file, which may hold the chain behind the certificate, and its private key.
struct KeyPairConfig {
    std::string json_path;
    std::filesystem::path certificate;
    KeySource key;
};

}  // namespace scepgate::server
