#include "certs/peer_keys.hpp"

namespace scepgate::certs {

Result<EvpPkeyPtr> PeerKeys::take(const PublicKey& peer) {
    EvpPkeyPtr key;
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            key = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    if (!key) {
        key.reset(peer.evp() != nullptr ? EVP_PKEY_dup(peer.evp()) : nullptr);
        if (!key) return take_ossl_error("EC public key");
        return key;
    }
    const ByteView point = peer.ec_point();
    if (EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1)
        return take_ossl_error("EC point");
    return key;
}

void PeerKeys::give_back(EvpPkeyPtr key) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(key));
}

}  // namespace scepgate::certs
