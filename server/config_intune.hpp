// The policy "intune" of the configuration.
#pragma once

#include "server/config_outbound.hpp"

namespace scepgate::server {

struct IntuneConfig {
    struct Revocation {
        std::int64_t every = 15 * 60;  ///< seconds
        std::size_t max_per_poll = 500;
    };

    std::string tenant;
    std::string app_id;
    std::optional<SecretSource> secret;        ///< one of these …
    std::optional<KeyPairConfig> certificate;  ///< … two
    bool rs256 = false;                        ///< else PS256
    std::string provider;                      ///< empty: name and version of this program
    std::string authority = "https://login.microsoftonline.com";
    std::string graph = "https://graph.microsoft.com";
    std::string resource = "https://api.manage.microsoft.com/";
    std::string graph_version = "v1.0";
    std::string intune_app_id = "0000000a-0000-0000-c000-000000000000";
    std::string validation_version = "2018-02-20";
    std::string revocation_version = "5019-05-05";
    OutboundConfig http;
    std::optional<Revocation> revocation;  ///< absent: nobody is asked
};

}  // namespace scepgate::server
