#include "certs/hmac.hpp"

#include <stdexcept>

#include <openssl/evp.h>

namespace scepgate {

Sha256 hmac_sha256(ByteView key, ByteView message) {
    Sha256 mac;
    std::size_t length = 0;
    if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
                  message.data(), message.size(), mac.data(), mac.size(), &length) == nullptr ||
        length != mac.size()) {
        throw std::runtime_error("HMAC-SHA-256 failed");
    }
    return mac;
}

}  // namespace scepgate
