#include "server/cli/key_order.hpp"

#include "certs/encrypted_key.hpp"
#include "server/cli/support.hpp"
#include "server/credentials.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Error bad(std::string what) {
    return {Errc::kConfig, std::move(what)};
}

std::optional<SecretSource> source(const std::string& option, const std::string& file,
                                   const std::string& environment) {
    if (!file.empty()) return SecretSource{option + "-file", fs::absolute(file), std::nullopt};
    if (!environment.empty()) return SecretSource{option + "-env", std::nullopt, environment};
    return std::nullopt;
}

/// As the options of the command line have it.
void name_source(const SecretSource& source, std::string& file, std::string& environment) {
    if (source.file) file = source.file->string();
    if (source.environment) environment = *source.environment;
}

Result<OrderedKey> from_token(const KeyOptions& options, const KeyOrder& order) {
    auto uri = certs::Pkcs11Uri::parse(options.key);
    if (!uri) return bad("--key: " + uri.error().detail);
    if (options.module.empty())
        return bad("--key is in a token: name its PKCS#11 module with --module");
    uri->object += uri->object.empty() ? "" : order.object_suffix;
    Secret pin;
    const auto pin_source = options.pin();
    if (pin_source) {
        auto read = read_secret(*pin_source);
        if (!read) return read.error();
        pin = std::move(*read);
    }
    const fs::path module = fs::absolute(options.module);
    OrderedKey ordered;
    ordered.json = {{"pkcs11", uri->text()}, {"module", module.string()}};
    if (pin_source) ordered.json["pin"] = to_json(*pin_source, order.folder);
    Result<certs::PrivateKey> key;
    if (options.key_type.empty()) {
        key = certs::load_pkcs11_key(module, *uri, pin);
        if (!key) key.error().detail += "; --key-type makes a new one";
    } else {
        const auto spec = certs::KeySpec::parse(options.key_type);
        if (!spec) return bad("--key-type: " + spec.error().detail);
        key = certs::generate_pkcs11_key(module, *uri, pin, *spec, order.use);
    }
    if (!key) return key.error();
    ordered.key = std::move(*key);
    return ordered;
}

Result<Secret> passphrase_of(const KeyOptions& options) {
    const auto source = options.passphrase();
    return source ? read_secret(*source) : Result<Secret>(Secret());
}

Json file_json(const fs::path& file, const KeyOptions& options, const fs::path& folder) {
    Json json{{"file", name_in_config(file, folder)}};
    if (const auto source = options.passphrase()) json["passphrase"] = to_json(*source, folder);
    return json;
}

Result<OrderedKey> from_file(const KeyOptions& options, const KeyOrder& order) {
    const auto passphrase = passphrase_of(options);
    if (!passphrase) return passphrase.error();
    auto key = certs::PrivateKey::from_file(options.key, *passphrase);
    if (!key) return key.error();
    return OrderedKey{std::move(*key), file_json(options.key, options, order.folder)};
}

Result<OrderedKey> new_file(const KeyOptions& options, const KeyOrder& order, certs::KeySpec spec,
                            NewFiles& files) {
    const auto passphrase = passphrase_of(options);
    if (!passphrase) return passphrase.error();
    auto key = certs::PrivateKey::generate(spec);
    if (!key) return key.error();
    const auto pem =
        passphrase->empty() ? key->to_pem() : certs::to_encrypted_pem(*key, *passphrase);
    if (!pem) return pem.error();
    const fs::path file = order.folder / (order.name + ".key");
    if (const auto written = files.write(file, pem->view(), true); !written) return written.error();
    return OrderedKey{std::move(*key), file_json(file, options, order.folder)};
}

}  // namespace

void KeyOptions::add_to(CLI::App& command, const std::string& what, const std::string& usual) {
    command.add_option("--key", key,
                       what +
                           ": a new one (rsa:2048, rsa:3072, rsa:4096, rsa:8192, ec:p256, "
                           "ec:p384, ec:p521; else " +
                           usual + "), a PEM file, or one in a token (pkcs11:token=…;object=…)");
    command
        .add_option("--key-type", key_type,
                    "Make a new key of this kind in the token, under the name that --key has")
        ->type_name("SPEC");
    command
        .add_option("--passphrase-file", passphrase_file,
                    "Whose first line encrypts the key's file; the configuration names it")
        ->type_name("FILE");
    command.add_option("--passphrase-env", passphrase_env, "The same from the environment")
        ->type_name("VARIABLE");
    command.add_option("--module", module, "The token's PKCS#11 module")->type_name("FILE");
    command.add_option("--pin-file", pin_file, "Whose first line is the token's PIN")
        ->type_name("FILE");
    command.add_option("--pin-env", pin_env, "The same from the environment")
        ->type_name("VARIABLE");
}

std::optional<SecretSource> KeyOptions::passphrase() const {
    return source("--passphrase", passphrase_file, passphrase_env);
}

std::optional<SecretSource> KeyOptions::pin() const {
    return source("--pin", pin_file, pin_env);
}

Result<OrderedKey> obtain_key(const KeyOptions& options, const KeyOrder& order, NewFiles& files) {
    if (options.in_token()) return from_token(options, order);
    if (!options.key_type.empty()) return bad("--key-type is for a key in a token");
    const std::string& text = options.key.empty() ? order.usual : options.key;
    const auto spec = certs::KeySpec::parse(text);
    if (spec) return new_file(options, order, *spec, files);
    std::error_code ignored;
    if (fs::exists(options.key, ignored)) return from_file(options, order);
    return bad("--key: there is no such file, and no " + spec.error().detail);
}

Result<OrderedKey> obtain_key_like(const KeySource& present, KeyOptions options, KeyOrder order,
                                   NewFiles& files) {
    if (!options.key.empty()) return obtain_key(options, order, files);
    if (!present.token) {
        if (present.passphrase && !options.passphrase())
            name_source(*present.passphrase, options.passphrase_file, options.passphrase_env);
        return obtain_key(options, order, files);
    }
    certs::Pkcs11Uri uri = present.token->uri;
    uri.id.clear();
    order.object_suffix.clear();
    options.module = present.token->module.string();
    if (options.key_type.empty()) options.key_type = order.usual;
    if (present.token->pin && !options.pin())
        name_source(*present.token->pin, options.pin_file, options.pin_env);
    constexpr int kMostOfADay = 100;
    for (int number = 1;; ++number) {
        uri.object = order.name + (number > 1 ? "-" + std::to_string(number) : "");
        options.key = uri.text();
        auto key = obtain_key(options, order, files);
        const bool taken = !key && key.error().code == Errc::kDenied;
        if (!taken || number == kMostOfADay) return key;
    }
}

Json to_json(const SecretSource& source, const fs::path& folder) {
    if (source.file) return {{"file", name_in_config(*source.file, folder)}};
    return {{"env", source.environment.value_or("")}};
}

Result<Secret> read_secret(const SecretSource& source) {
    ConfigFaults faults;
    auto text = CredentialLoader(faults, 0).secret_line(source);
    if (!text) return bad(faults.list().front().text());
    return std::move(*text);
}

}  // namespace scepgate::server::cli
