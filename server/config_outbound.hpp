// The block "http" of whatever calls services outside.
#pragma once

#include <cstdint>

#include "server/config_keys.hpp"

namespace scepgate::server {

struct OutboundConfig {
    struct Proxy {
        std::string url;
        std::string user;
        std::optional<SecretSource> password;
    };

    std::string json_path;
    std::optional<std::filesystem::path> ca_bundle;   ///< PEM; absent: the system's
    std::optional<KeyPairConfig> client_certificate;  ///< ours, where the service asks for one
    std::optional<Proxy> proxy;
    std::int64_t timeout = 10;  ///< seconds that one call may take
    bool allow_http = false;
};

}  // namespace scepgate::server
