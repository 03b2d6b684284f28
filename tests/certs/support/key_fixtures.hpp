// Keys for tests. Generated once per process: RSA key generation is slow.
#pragma once

#include "certs/private_key.hpp"

namespace scepgate::certs::testing {

inline const PrivateKey& key(KeyType type, int bits) {
    struct Entry {
        KeySpec spec;
        PrivateKey key;
    };
    static const auto keys = [] {
        std::vector<Entry> made;
        for (const KeySpec spec : {KeySpec{KeyType::kRsa, 2048}, KeySpec{KeyType::kEc, 256},
                                   KeySpec{KeyType::kEc, 384}, KeySpec{KeyType::kEc, 521}}) {
            made.push_back({spec, PrivateKey::generate(spec).value()});
        }
        return made;
    }();
    for (const Entry& entry : keys) {
        if (entry.spec.type == type && entry.spec.bits == bits) return entry.key;
    }
    throw std::logic_error("no such test key");
}

inline const PrivateKey& rsa_key() {
    return key(KeyType::kRsa, 2048);
}
inline const PrivateKey& ec_key() {
    return key(KeyType::kEc, 256);
}

}  // namespace scepgate::certs::testing
