// The server's own keys, which no device may bring.
#pragma once

#include <set>

#include "certs/public_key.hpp"

namespace scepgate::server {

/// Keys of CAs, RAs, challenges and TLS, by their hashes. With a certificate for one of them its
/// holder would be a device and the server at once: each could act for the other.
class OwnKeys {
public:
    void add(const certs::PublicKey& key) { hashes_.insert(sha256(key.spki())); }
    [[nodiscard]] bool contains(const certs::PublicKey& key) const {
        return hashes_.contains(sha256(key.spki()));
    }

private:
    std::set<Sha256> hashes_;
};

}  // namespace scepgate::server
