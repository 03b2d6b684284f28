// Key separation: which keys do more than one thing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "certs/public_key.hpp"
#include "server/config.hpp"
#include "server/own_keys.hpp"

namespace scepgate::server {

enum class KeyRole {
    kCa,
    kRaSigning,
    kRaEncryption,
    kChallengeDecryption,
    kChallengeSigning,
    kTls,
    kServiceClient  ///< with which we prove ourselves to a service
};

/// All keys of a configuration, with what each is for.
class KeyRoles {
public:
    /// `json_path`: where the configuration names the key, or a certificate of it.
    void add(KeyRole role, std::string json_path, const certs::PublicKey& key);

    /// A key of ours that is elsewhere: of a root, of a CA before this one.
    void add_elsewhere(const certs::PublicKey& key) { own_->add(key); }

    /// All of them; still grows while the configuration is read.
    [[nodiscard]] std::shared_ptr<const OwnKeys> own() const noexcept { return own_; }

    /// Warns of every pair of places that have one key for different roles, naming both. Two places
    /// with one role may share their key.
    void judge(ConfigFaults& faults) const;

private:
    struct Use {
        KeyRole role;
        std::string json_path;
        certs::PublicKey key;
    };
    std::vector<Use> uses_;
    std::shared_ptr<OwnKeys> own_ = std::make_shared<OwnKeys>();
};

}  // namespace scepgate::server
