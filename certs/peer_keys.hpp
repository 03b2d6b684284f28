// Where the points of others are put for key agreement.
#pragma once

#include <mutex>
#include <vector>

#include "certs/public_key.hpp"

namespace scepgate::certs {

/// OpenSSL's forms of peers' EC keys, each used for one peer after the other: OpenSSL 3.0 copies
/// the whole curve for a key of its own, which costs five times the check of the point.
/// Of one curve. Safe for concurrent use; what is taken is the caller's own.
class PeerKeys {
public:
    /// `peer` is an EC key. kInternal when OpenSSL fails.
    [[nodiscard]] Result<EvpPkeyPtr> take(const PublicKey& peer);
    /// Once nothing refers to it any more; as many are kept as were ever in use at once.
    void give_back(EvpPkeyPtr key);

private:
    std::mutex mutex_;
    std::vector<EvpPkeyPtr> idle_;
};

}  // namespace scepgate::certs
