// How a CA publishes its certificate and CRLs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace scepgate::server {

struct DeltaCrlConfig {
    std::int64_t period = 3600;   ///< seconds until the next is made
    std::int64_t overlap = 3600;  ///< seconds that it is valid for beyond that
    std::string path;             ///< on the SCEP listener; "" for none
};

/// Where and how long a CA's CRLs are good.
struct CrlConfig {
    std::int64_t period = std::int64_t{7} * 86400;  ///< seconds until the next is made
    std::int64_t overlap = 86400;                   ///< seconds that it is valid for beyond that
    std::string path;                               ///< on the SCEP listener; "" for none
    std::optional<DeltaCrlConfig> delta;            ///< absent: complete ones alone
    bool issuing_distribution_point = false;        ///< CRLs name `crl_urls`
    /// Absolute paths of files; their names with AD CS's variables (ca_backend/ca_url.hpp).
    std::vector<std::string> publish_to, publish_certificate_to;
};

}  // namespace scepgate::server
