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

std::vector<certs::Certificate> build_signers(const ChallengeBlobConfig& config,
                                              const std::string& json_path,
                                              RuntimeContext& context) {
    std::vector<certs::Certificate> signers;
    const std::string list = json_path + ".trusted_signers";
    const auto renewal = [&config](const certs::Certificate& signer, const auto& file) {
        if (config.signer && config.signer->certificate == file) {
            // Others that are trusted may stand behind our own.
            const auto own = certs::Certificate::from_file(file);
            if (own && *own == signer) return renewal_of_pair(*config.signer)(signer, file);
        }
        return "have the MDM make a new one, and put that in its place in " + file.string();
    };
    const auto files = context.loader.alternatives(config.trusted_signers, list, renewal);
    for (std::size_t i = 0; i < files.size(); ++i) {
        const std::string path = list + "[" + std::to_string(i) + "]";
        for (const auto& signer : files[i]) {
            judge_signer(signer, path, context.faults);
            if (const auto key = signer.public_key())
                context.keys.add(KeyRole::kChallengeSigning, path, *key);
            signers.push_back(signer);
        }
    }
    return signers;
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
    for (const auto& pair : config.decryption) {
        // New challenges are made for the first; the others are there for older ones.
        const bool first = &pair == &config.decryption.front();
        auto loaded = context.loader.credential(pair, first ? Expiry::kError : Expiry::kWarning,
                                                renewal_of_pair(pair));
        if (!loaded) continue;
        context.keys.add(KeyRole::kChallengeDecryption, pair.json_path + ".key",
                         loaded->key.public_key());
        settings.decryption.push_back({loaded->certificate, loaded->key});
    }
    settings.trusted_signers = build_signers(config, place.json_path, context);
    if (config.signer) {
        if (auto loaded = context.loader.credential(*config.signer, Expiry::kError,
                                                    renewal_of_pair(*config.signer))) {
            context.keys.add(KeyRole::kChallengeSigning, config.signer->json_path + ".key",
                             loaded->key.public_key());
            settings.signer = policy::BlobSigner{loaded->certificate, loaded->key};
        }
    }
    if (context.faults.has_errors()) return nullptr;
    return std::make_shared<policy::ChallengeBlobModule>(std::move(settings), context.clock);
}

}  // namespace scepgate::server
