// The configuration of a signer (scepgate signer), and of what a server needs to know of one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "policy/issuance_rules.hpp"
#include "server/signer/rate_limit.hpp"

namespace scepgate::server {

/// Where the CA's key is not in this process: cas.NAME with "type": "signer".
struct RemoteSignerConfig {
    std::filesystem::path socket;
    std::int64_t timeout = 10;  ///< seconds for one answer
};

/// The member "signer" of a signer's own file. With it the file has CAs and templates, and neither
/// endpoints nor a store.
struct SignerConfig {
    std::string json_path;
    std::filesystem::path socket;
    std::string socket_group;        ///< empty: the process's own
    std::vector<std::string> allow;  ///< users that may ask, by name or number; empty: its own
    std::filesystem::path state;
    std::optional<policy::IssuanceRules> rules;
    signer::RateRules rates;
    std::int64_t crl_validity = std::int64_t{31} * 86'400;  ///< seconds, at most
    std::int64_t crls_per_hour = 0;                         ///< of each CA; 0: no limit
    std::int64_t ocsp_responders_per_day = 100;             ///< of all CAs
    std::size_t queue = 256;                                ///< orders in progress
    std::size_t connections = 1024;
};

}  // namespace scepgate::server
