// The section "notifiers": who is told what becomes of certificates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/config_outbound.hpp"

namespace scepgate::server {

struct NotifierConfig {
    std::string json_path;
    std::string url;
    std::vector<SecretSource> keys;      ///< one, or two while they change; the newest first
    std::vector<std::string> events;     ///< of kNoticeKinds
    std::vector<std::string> endpoints;  ///< names; empty: of all
    bool certificate = false;            ///< the DER goes along
    OutboundConfig http;
    std::int64_t give_up_after = 72 * 3600;  ///< seconds
};

/// What there is to be told.
inline constexpr const char* kNoticeKinds[] = {"issued",  "refused", "pending",
                                               "revoked", "held",    "released"};

}  // namespace scepgate::server
