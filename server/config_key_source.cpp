#include "server/config_key_source.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigReader::Json;

void read_token(ConfigReader& reader, ConfigParts& parts, ConfigFaults& faults, KeySource& key) {
    TokenKeySource token;
    const std::string uri = reader.text("pkcs11").value_or("");
    auto parsed = certs::Pkcs11Uri::parse(uri);
    if (parsed) {
        token.uri = std::move(*parsed);
    } else {
        faults.error(reader.path_of("pkcs11"), parsed.error().detail,
                     "write it as RFC 7512 has it: pkcs11:token=LABEL;object=LABEL");
    }
    token.module = parts.required_file(reader, "module",
                                       "the token's PKCS#11 module, such as "
                                       "/usr/lib/softhsm/libsofthsm2.so");
    if (const Json* pin = reader.member("pin")) {
        token.pin = parts.secret(*pin, reader.path_of("pin"));
    }
    key.token = std::move(token);
}

}  // namespace

void read_key_source(const Json& json, ConfigParts& parts, ConfigFaults& faults, KeySource& key) {
    const std::string& path = key.pem.json_path;
    if (json.is_string()) {
        faults.error(path, "is text", "write { \"file\": … } or { \"env\": … } in its place");
        return;
    }
    ConfigReader reader(json, path, faults);
    int sources = 0;
    for (const char* kind : {"file", "env", "pkcs12", "pkcs11"})
        sources += reader.member(kind) != nullptr ? 1 : 0;
    if (reader.is_object() && sources != 1)
        faults.error(path, "needs exactly one of 'file', 'env', 'pkcs12' and 'pkcs11'");
    key.pem.file = parts.file(reader, "file");
    key.pem.environment = reader.text("env");
    key.pkcs12 = parts.file(reader, "pkcs12");
    const bool in_token = reader.member("pkcs11") != nullptr;
    if (in_token) {
        read_token(reader, parts, faults, key);
    } else if (const Json* passphrase = reader.member("passphrase")) {
        key.passphrase = parts.secret(*passphrase, reader.path_of("passphrase"));
    }
    reader.finish(in_token ? std::map<std::string, std::string>{{"passphrase", "pin"}}
                           : std::map<std::string, std::string>{});
}

}  // namespace scepgate::server
