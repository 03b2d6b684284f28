// Ready EVP contexts of one key.
#pragma once

#include <array>
#include <atomic>

#include "certs/algorithms.hpp"
#include "certs/ossl.hpp"

namespace scepgate::certs {

/// EVP contexts for one key's operations: each kind is made at its first use, later uses copy it.
/// OpenSSL 3.0 spends about 27,000 instructions on making a context and 1,000 on a copy. Safe for
/// concurrent use; every context given out is the caller's own. Null when OpenSSL fails: see its
/// error queue.
class KeyContexts {
public:
    KeyContexts() = default;
    ~KeyContexts();
    KeyContexts(const KeyContexts&) = delete;
    KeyContexts& operator=(const KeyContexts&) = delete;

    /// For EVP_PKEY_sign() and EVP_PKEY_verify() of a digest's value.
    [[nodiscard]] EvpPkeyCtxPtr signing(EVP_PKEY* key, Digest digest) const;
    [[nodiscard]] EvpPkeyCtxPtr verifying(EVP_PKEY* key, Digest digest) const;
    /// Initialised, without padding chosen.
    [[nodiscard]] EvpPkeyCtxPtr encrypting(EVP_PKEY* key) const;
    [[nodiscard]] EvpPkeyCtxPtr decrypting(EVP_PKEY* key) const;
    [[nodiscard]] EvpPkeyCtxPtr deriving(EVP_PKEY* key) const;

private:
    using Slot = std::atomic<EVP_PKEY_CTX*>;
    static constexpr std::size_t kDigests = 4;

    template <class Initialise>
    static EvpPkeyCtxPtr copy(Slot& slot, EVP_PKEY* key, Initialise initialise);

    mutable std::array<Slot, kDigests> sign_{};
    mutable std::array<Slot, kDigests> verify_{};
    mutable Slot encrypt_{};
    mutable Slot decrypt_{};
    mutable Slot derive_{};
};

}  // namespace scepgate::certs
