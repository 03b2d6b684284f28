// New keys for challenge blobs, while the old ones are still good for what was made with them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "certs/certificate.hpp"
#include "server/cli/config_edit.hpp"
#include "server/cli/files.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

/// A key that takes the place of another.
struct RotatedKey {
    std::string key;  ///< in the policy: "signer", "decryption"
    std::filesystem::path certificate_file;
    std::optional<std::filesystem::path> key_file;  ///< empty: promoted, and in no file
    certs::Certificate certificate;
    std::filesystem::path old_certificate_file;
};

struct RotationOrder {
    enum class Step {
        kAtOnce,   ///< new keys, in use as soon as the configuration is read
        kStage,    ///< new keys that open and are trusted, and make nothing yet
        kPromote,  ///< the newest keys there are come into use
    };

    std::string policy;  ///< its name in the configuration
    bool signer = false;
    bool decryption = false;
    Step step = Step::kAtOnce;
};

struct Rotation {
    RotationOrder order;
    std::vector<RotatedKey> keys;
    NewFiles files;
    nlohmann::ordered_json before;  ///< the policy, as the new members were made from
    /// What is to stand in the policy: {"signer": […], "trusted_signers": […], "decryption": […]}.
    nlohmann::ordered_json members;
    std::int64_t old_needed = 0;  ///< seconds for which challenges made until then may be used
};

/// Makes, unless keys are promoted, for each of the order a new key of the old one's type with a
/// self-signed certificate, in files beside the old ones, of which none is touched; encrypted with
/// the old one's passphrase if it has one. A new signer is trusted within the limits of the one
/// before. kConfig: there is no such policy, or it has no such key. kDenied: the MDM has the
/// signer's key itself, what is in use is not trusted, or there is nothing to stage behind or to
/// promote.
Result<Rotation> prepare_rotation(const RotationOrder& order, const Config& config,
                                  std::int64_t now);

/// Puts it into the configuration. False, and nothing is changed, when that has comments: they
/// would be lost. kConfig: somebody else has changed the policy since.
Result<bool> enter_rotation(const Rotation& rotation, const ConfigLock& lock);

}  // namespace scepgate::server::cli
