#include "certs/key_contexts.hpp"

namespace scepgate::certs {

KeyContexts::~KeyContexts() {
    const auto free = [](Slot& slot) { EVP_PKEY_CTX_free(slot.load()); };
    for (Slot& slot : sign_)
        free(slot);
    for (Slot& slot : verify_)
        free(slot);
    free(encrypt_);
    free(decrypt_);
    free(derive_);
}

template <class Initialise>
EvpPkeyCtxPtr KeyContexts::copy(Slot& slot, EVP_PKEY* key, Initialise initialise) {
    if (const EVP_PKEY_CTX* made = slot.load(std::memory_order_acquire)) {
        return EvpPkeyCtxPtr(EVP_PKEY_CTX_dup(made));
    }
    EvpPkeyCtxPtr fresh(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    if (!fresh || !initialise(fresh.get())) return nullptr;
    EvpPkeyCtxPtr given(EVP_PKEY_CTX_dup(fresh.get()));
    EVP_PKEY_CTX* none = nullptr;
    // Whoever comes second keeps nothing: one context is as good as another.
    if (slot.compare_exchange_strong(none, fresh.get(), std::memory_order_acq_rel)) {
        (void)fresh.release();
    }
    return given;
}

EvpPkeyCtxPtr KeyContexts::signing(EVP_PKEY* key, Digest digest) const {
    return copy(sign_.at(static_cast<std::size_t>(digest)), key, [&](EVP_PKEY_CTX* context) {
        return EVP_PKEY_sign_init(context) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, evp_md(digest)) == 1;
    });
}

EvpPkeyCtxPtr KeyContexts::verifying(EVP_PKEY* key, Digest digest) const {
    return copy(verify_.at(static_cast<std::size_t>(digest)), key, [&](EVP_PKEY_CTX* context) {
        return EVP_PKEY_verify_init(context) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, evp_md(digest)) == 1;
    });
}

EvpPkeyCtxPtr KeyContexts::encrypting(EVP_PKEY* key) const {
    return copy(encrypt_, key,
                [](EVP_PKEY_CTX* context) { return EVP_PKEY_encrypt_init(context) == 1; });
}

EvpPkeyCtxPtr KeyContexts::decrypting(EVP_PKEY* key) const {
    return copy(decrypt_, key,
                [](EVP_PKEY_CTX* context) { return EVP_PKEY_decrypt_init(context) == 1; });
}

EvpPkeyCtxPtr KeyContexts::deriving(EVP_PKEY* key) const {
    return copy(derive_, key,
                [](EVP_PKEY_CTX* context) { return EVP_PKEY_derive_init(context) == 1; });
}

}  // namespace scepgate::certs
