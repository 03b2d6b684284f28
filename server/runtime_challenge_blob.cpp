#include <algorithm>
#include <map>

#include "policy/challenge_blob.hpp"
#include "server/renewal_advice.hpp"
#include "server/runtime_policy_modules.hpp"

namespace scepgate::server {
namespace {

using certs::KeyUsageBit;

void judge_signer(const certs::Certificate& signer, const std::string& json_path,
                  ConfigFaults& faults) {
    const auto usage = signer.key_usage();
    const auto is_ca = signer.is_ca();
    if (usage && *usage && (*usage)->has(KeyUsageBit::kDigitalSignature) && is_ca && !*is_ca)
        return;
    faults.error(json_path,
                 "'" + signer.subject_text() + "' has key usage " +
                     (usage && *usage ? (*usage)->text() : "none") +
                     (is_ca && *is_ca ? " and is a CA" : ""),
                 "a signer of challenges is no CA and has digitalSignature");
}

/// Whoever has a key can name either of its certificates in a challenge: of different limits the
/// laxer would count.
class LimitsOfKeys {
public:
    explicit LimitsOfKeys(ConfigFaults& faults) : faults_(faults) {}

    void judge(const TrustedSignerConfig& entry, const certs::Certificate& signer,
               const std::string& path) {
        const auto [first, fresh] =
            limits_.emplace(to_bytes(signer.spki()), Limits{entry.limits_json, path});
        if (fresh || first->second.json == entry.limits_json) return;
        faults_.error(path,
                      "the key of '" + signer.subject_text() + "' is trusted by " +
                          first->second.path + " too, and not with the same limits",
                      "leave one of the two out, or write the same limits in both");
    }

private:
    struct Limits {
        std::string json, path;
    };
    ConfigFaults& faults_;
    std::map<Bytes, Limits> limits_;  ///< by SubjectPublicKeyInfo
};

void note_limits(const TrustedSignerConfig& entry, const certs::Certificate& signer,
                 policy::ChallengeBlobSettings& settings) {
    if (!entry.limits) return;
    policy::SignerLimits limits = *entry.limits;
    if (limits.signer.empty()) limits.signer = signer.subject_text();
    settings.limits.emplace(to_hex(signer.fingerprint()), std::move(limits));
}

void build_signers(const ChallengeBlobConfig& config, const PolicyPlace& place,
                   RuntimeContext& context, policy::ChallengeBlobSettings& settings) {
    const std::string list = place.json_path + ".trusted_signers";
    const auto renewal = [&](const certs::Certificate& signer, const auto& file) {
        for (const KeyPairConfig& pair : config.signers) {
            if (pair.certificate != file) continue;
            // Others that are trusted may stand behind our own.
            const auto own = certs::Certificate::from_file(file);
            if (own && *own == signer) {
                return renewal_of_challenge_key(context.config_file, place.name, "signer",
                                                config.signers, pair)(signer, file);
            }
        }
        return "have the MDM make a new one, and put that in its place in " + file.string();
    };
    std::vector<std::filesystem::path> paths;
    for (const auto& signer : config.trusted_signers)
        paths.push_back(signer.certificate);
    const auto files = context.loader.alternatives(paths, list, renewal);
    LimitsOfKeys limits(context.faults);
    for (std::size_t i = 0; i < files.size(); ++i) {
        const std::string path = list + "[" + std::to_string(i) + "]";
        for (const auto& signer : files[i]) {
            judge_signer(signer, path, context.faults);
            if (const auto key = signer.public_key())
                context.keys.add(KeyRole::kChallengeSigning, path, *key);
            limits.judge(config.trusted_signers[i], signer, path);
            note_limits(config.trusted_signers[i], signer, settings);
            settings.trusted_signers.push_back(signer);
        }
    }
}

/// Key pairs of which the first valid one is used for new challenges: as long as there is one, the
/// others are only warned about.
std::vector<Credential> build_pairs(const std::vector<KeyPairConfig>& pairs, KeyRole role,
                                    const PolicyPlace& place, RuntimeContext& context) {
    const std::string key = role == KeyRole::kChallengeSigning ? "signer" : "decryption";
    const std::int64_t now = context.clock->now();
    const bool one_is_valid =
        std::any_of(pairs.begin(), pairs.end(), [now](const KeyPairConfig& pair) {
            const auto certificate = certs::Certificate::from_file(pair.certificate);
            return certificate && certificate->not_before() <= now &&
                   now <= certificate->not_after();
        });
    std::vector<Credential> made;
    for (const KeyPairConfig& pair : pairs) {
        const bool first = &pair == &pairs.front();
        auto loaded = context.loader.credential(
            pair, first && !one_is_valid ? Expiry::kError : Expiry::kWarning,
            renewal_of_challenge_key(context.config_file, place.name, key, pairs, pair));
        if (!loaded) continue;
        context.keys.add(role, pair.json_path + ".key", loaded->key.public_key());
        made.push_back(std::move(*loaded));
    }
    return made;
}

}  // namespace

std::shared_ptr<policy::PolicyModule> build_module(const ChallengeBlobConfig& config,
                                                   const PolicyPlace& place,
                                                   RuntimeContext& context) {
    policy::ChallengeBlobSettings settings;
    settings.name = place.name;
    settings.audience = config.audience;
    settings.clock_skew = config.clock_skew;
    settings.maximum_lifetime = config.maximum_lifetime;
    for (const Credential& each :
         build_pairs(config.decryption, KeyRole::kChallengeDecryption, place, context)) {
        settings.decryption.push_back({each.certificate, each.key});
    }
    build_signers(config, place, context, settings);
    for (const Credential& each :
         build_pairs(config.signers, KeyRole::kChallengeSigning, place, context)) {
        settings.signers.push_back({each.certificate, each.key});
    }
    if (context.faults.has_errors()) return nullptr;
    return std::make_shared<policy::ChallengeBlobModule>(std::move(settings), context.clock);
}

}  // namespace scepgate::server
