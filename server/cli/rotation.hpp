// New keys for challenge blobs, while the old ones are still good for what was made with them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "certs/certificate.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

/// A key that took the place of another.
struct RotatedKey {
    std::string key;  ///< in the policy: "signer", "decryption"
    std::filesystem::path certificate_file, key_file;
    certs::Certificate certificate;
    std::filesystem::path old_certificate_file;
};

struct Rotation {
    std::vector<RotatedKey> keys;
    /// What now stands in the policy: {"signer": […], "trusted_signers": […], "decryption": […]}.
    nlohmann::ordered_json members;
    bool changed = false;         ///< the configuration; else it has comments, and was left alone
    std::int64_t old_needed = 0;  ///< seconds for which challenges made until now may be used
};

struct RotationOrder {
    std::string policy;  ///< its name in the configuration
    bool signer = false;
    bool decryption = false;
};

/// For each of the order a new key of the old one's type with a self-signed certificate, in files
/// beside the old ones, of which none is touched; then both stand in the configuration, the new
/// ones first. A new signer gets the limits of the one before. kConfig: there is no such policy, or
/// it has no such key. kDenied: the MDM has the signer's key itself.
Result<Rotation> rotate_keys(const RotationOrder& order, const Config& config, std::int64_t now);

}  // namespace scepgate::server::cli
