#include "server/key_roles.hpp"

namespace scepgate::server {
namespace {

std::string_view what_it_does(KeyRole role) noexcept {
    switch (role) {
        case KeyRole::kCa:
            return "signs certificates";
        case KeyRole::kRaSigning:
            return "signs SCEP replies";
        case KeyRole::kRaEncryption:
            return "decrypts SCEP requests";
        case KeyRole::kChallengeDecryption:
            return "decrypts challenges";
        case KeyRole::kChallengeSigning:
            return "signs challenges";
        case KeyRole::kTls:
            return "serves TLS";
        case KeyRole::kServiceClient:
            return "proves this server to a service";
    }
    return "";
}

}  // namespace

void KeyRoles::add(KeyRole role, std::string json_path, const certs::PublicKey& key) {
    own_->add(key);
    uses_.push_back({role, std::move(json_path), key});
}

void KeyRoles::judge(ConfigFaults& faults) const {
    for (std::size_t i = 0; i < uses_.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const Use& use = uses_[i];
            const Use& other = uses_[j];
            if (use.role == other.role || !(use.key == other.key)) continue;
            faults.warn(use.json_path,
                        "the same key as " + other.json_path + ": it " +
                            std::string(what_it_does(use.role)) + " and " +
                            std::string(what_it_does(other.role)),
                        "give each a key of its own");
        }
    }
}

}  // namespace scepgate::server
