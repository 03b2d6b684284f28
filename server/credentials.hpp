// Loading what the configuration points at: certificates, keys, secrets; each fault with its path.
#pragma once

#include <functional>

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"
#include "server/config.hpp"

namespace scepgate::server {

struct Credential {
    certs::Certificate certificate;
    std::vector<certs::Certificate> more;  ///< further certificates of the same file
    certs::PrivateKey key;
};

/// What a certificate outside its validity is: an error, or only worth a warning where others like
/// it remain.
enum class Expiry { kError, kWarning };

/// From so many seconds before a certificate's end on it is warned of.
constexpr std::int64_t kExpiryWarning = 30 * 86'400;

/// How the successor of a certificate in this file comes about: "run: …". Empty: nothing is to be
/// done, and the end is worth no warning. See renewal_advice.hpp.
using RenewalAdvice =
    std::function<std::string(const certs::Certificate&, const std::filesystem::path&)>;

/// Loads and judges files for one configuration; collects faults. What the configuration lacks
/// altogether was reported when it was read, and is passed over here.
class CredentialLoader {
public:
    CredentialLoader(ConfigFaults& faults, std::int64_t now) : faults_(faults), now_(now) {}

    /// Null after a fault: unreadable or not PEM. One that is expired or not yet valid is a fault
    /// too; 30 days before expiry it is a warning. `renewal`: of the first one.
    std::optional<std::vector<certs::Certificate>> certificates(const std::filesystem::path& file,
                                                                const std::string& json_path,
                                                                Expiry expiry = Expiry::kError,
                                                                const RenewalAdvice& renewal = {});
    /// The certificates of several files, each for itself (its path is json_path[i]). As long as
    /// one of all is valid, the others are only warned about. `renewal`: of each of a file's.
    std::vector<std::vector<certs::Certificate>> alternatives(
        const std::vector<std::filesystem::path>& files, const std::string& json_path,
        const RenewalAdvice& renewal);
    /// Null after a fault; also when the key file is readable by everybody, or the key is not the
    /// certificate's.
    std::optional<Credential> credential(const std::filesystem::path& certificate,
                                         const KeySource& key, const std::string& json_path,
                                         Expiry expiry = Expiry::kError,
                                         const RenewalAdvice& renewal = {});
    std::optional<Credential> credential(const KeyPairConfig& pair, Expiry expiry = Expiry::kError,
                                         const RenewalAdvice& renewal = {}) {
        return credential(pair.certificate, pair.key, pair.json_path, expiry, renewal);
    }
    /// The private key alone; null after a fault, as above.
    std::optional<certs::PrivateKey> key(const KeySource& source);
    /// The CAs that others' services are trusted by: their validity is not judged.
    std::optional<std::vector<certs::Certificate>> bundle(const std::filesystem::path& file,
                                                          const std::string& json_path) {
        return read_certificates(file, json_path);
    }
    std::optional<Secret> secret(const SecretSource& source);
    /// Without the line's end that an editor leaves; a fault when nothing else is in it.
    std::optional<Secret> secret_line(const SecretSource& source);

private:
    std::optional<certs::PrivateKey> pkcs12_key(const KeySource& source);
    std::optional<certs::PrivateKey> token_key(const KeySource& source);
    bool judge_mode(const std::filesystem::path& file, const std::string& json_path);
    std::optional<std::vector<certs::Certificate>> read_certificates(
        const std::filesystem::path& file, const std::string& json_path);
    void judge_validity(const certs::Certificate& certificate, const std::filesystem::path& file,
                        const std::string& json_path, Expiry expiry, const RenewalAdvice& renewal);
    [[nodiscard]] bool valid_now(const certs::Certificate& certificate) const noexcept;

    ConfigFaults& faults_;
    std::int64_t now_;
};

}  // namespace scepgate::server
