// Where a private key is, as the configuration says it.
#pragma once

#include "server/config_parts.hpp"

namespace scepgate::server {

/// Reads one of {"file"}, {"env"}, {"pkcs12"} and {"pkcs11", "module", "pin"}, the first three with
/// a "passphrase". `key.pem.json_path` is where it stands.
void read_key_source(const ConfigReader::Json& json, ConfigParts& parts, ConfigFaults& faults,
                     KeySource& key);

}  // namespace scepgate::server
