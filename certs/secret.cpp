#include "certs/secret.hpp"

#include <openssl/crypto.h>

namespace scepgate {

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        bytes_ = std::move(other.bytes_);
        other.bytes_.clear();
    }
    return *this;
}

bool Secret::equals(ByteView other) const {
    // Of equal length whatever the inputs, so that the comparison does not show the secret's.
    const Sha256 ours = sha256(bytes_);
    const Sha256 theirs = sha256(other);
    return CRYPTO_memcmp(ours.data(), theirs.data(), ours.size()) == 0;
}

void Secret::wipe() noexcept {
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

}  // namespace scepgate
