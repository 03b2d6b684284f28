// Loading what the configuration points at: certificates, keys, secrets; each fault with its path.
#pragma once

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"
#include "server/config.hpp"

namespace scepgate::server {

struct Credential {
    certs::Certificate certificate;
    std::vector<certs::Certificate> more;  ///< further certificates of the same file
    certs::PrivateKey key;
};

/// Loads and judges files for one configuration; collects faults.
class CredentialLoader {
public:
    CredentialLoader(ConfigFaults& faults, std::int64_t now) : faults_(faults), now_(now) {}

    /// Null after a fault: unreadable, not PEM, expired or not yet valid. Warns 30 days before
    /// expiry.
    std::optional<std::vector<certs::Certificate>> certificates(const std::filesystem::path& file,
                                                                const std::string& json_path);
    /// Null after a fault; also when the key file is readable by everybody, or the key is not the
    /// certificate's.
    std::optional<Credential> credential(const std::filesystem::path& certificate,
                                         const KeySource& key, const std::string& json_path);
    std::optional<Credential> credential(const KeyPairConfig& pair) {
        return credential(pair.certificate, pair.key, pair.json_path);
    }
    std::optional<Secret> secret(const SecretSource& source);

    ConfigFaults& faults() noexcept { return faults_; }

private:
    bool judge_mode(const std::filesystem::path& file, const std::string& json_path);
    void judge_validity(const certs::Certificate& certificate, const std::string& json_path);

    ConfigFaults& faults_;
    std::int64_t now_;
};

}  // namespace scepgate::server
