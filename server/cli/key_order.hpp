// Which key a command is to use: a new one, one in a file, or one in a token.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "certs/pkcs11_key.hpp"
#include "server/cli/rotation.hpp"

namespace scepgate::server::cli {

/// --key, --key-type, --passphrase-file, --module, --pin-file and the like.
struct KeyOptions {
    std::string key;       ///< "rsa:3072", "pkcs11:…", or a PEM file
    std::string key_type;  ///< of a new key in a token
    std::string passphrase_file, passphrase_env;
    std::string module, pin_file, pin_env;

    /// `what`: "The CA's key"; `usual`: the kind of a new one without --key.
    void add_to(CLI::App& command, const std::string& what, const std::string& usual);

    [[nodiscard]] bool in_token() const { return key.starts_with("pkcs11:"); }
    /// As the configuration has them; nothing when they are not given.
    [[nodiscard]] std::optional<SecretSource> passphrase() const;
    [[nodiscard]] std::optional<SecretSource> pin() const;
};

/// A key, and how the configuration names it.
struct OrderedKey {
    certs::PrivateKey key;
    nlohmann::ordered_json json;
};

/// What a new key is for, and where it goes.
struct KeyOrder {
    std::filesystem::path folder;  ///< of the configuration; a new file is NAME.key in it
    std::string name;
    std::string usual = "rsa:3072";
    certs::Pkcs11Use use = certs::Pkcs11Use::kSign;
    std::string object_suffix{};  ///< behind the URI's object, where there are several keys
};

/// Makes or loads it. A file that is made is one of `files`. kConfig: options that do not go
/// together, a key that cannot be read. kDenied: what would be made is there already.
Result<OrderedKey> obtain_key(const KeyOptions& options, const KeyOrder& order, NewFiles& files);

/// The same, for a key that takes the place of `present`: without --key a new one in the same token
/// (under order.name, with a number where that is taken), or a file under the same passphrase.
Result<OrderedKey> obtain_key_like(const KeySource& present, KeyOptions options, KeyOrder order,
                                   NewFiles& files);

/// What the configuration says of a secret.
[[nodiscard]] nlohmann::ordered_json to_json(const SecretSource& source,
                                             const std::filesystem::path& folder);

/// A secret that an option names.
[[nodiscard]] Result<Secret> read_secret(const SecretSource& source);

}  // namespace scepgate::server::cli
