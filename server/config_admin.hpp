// The "admin" part of the configuration: its listeners, and who may ask for what.
#pragma once

#include <map>

#include "policy/issuance_rules.hpp"
#include "server/http_settings.hpp"

namespace scepgate::server {

/// So many requests in such a time; all of them may come at once.
struct RequestRate {
    std::size_t requests = 60;
    std::int64_t seconds = 60;
};

/// Who may ask for challenges: an MDM, an operator. Any one of the credentials is enough.
struct AdminCallerConfig {
    std::string json_path;
    std::vector<SecretSource> passwords;              ///< HTTP Basic, with the caller's name
    std::vector<SecretSource> tokens;                 ///< Bearer
    std::vector<std::filesystem::path> certificates;  ///< pinned: exactly these
    std::vector<std::string> policies;                ///< whose challenges it may have
    std::vector<std::string> endpoints;               ///< whose pages it may have; bind its orders
    std::size_t per_day = 0;                          ///< challenges; 0: no limit
    std::size_t outstanding = 0;                      ///< challenges; 0: no limit
    std::vector<std::string> templates;               ///< that it may grant; empty: all
    std::optional<policy::IssuanceRules> rules;       ///< for the names that it may grant
    RequestRate rate;
};

struct AdminConfig {
    HttpSettings http;  ///< with limits of its own
    std::map<std::string, AdminCallerConfig> callers;
    bool utf16_pages = true;  ///< as NDES; else UTF-8
};

/// Where the mscep_admin page of an endpoint with this path is: "/certsrv/mscep/mscep.dll" and
/// "/certsrv/mscep" have "/certsrv/mscep_admin".
[[nodiscard]] std::string mscep_admin_path(std::string_view endpoint_path);

}  // namespace scepgate::server
