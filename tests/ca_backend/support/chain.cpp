#include "tests/ca_backend/support/chain.hpp"

#include <openssl/x509_vfy.h>

#include "certs/ossl.hpp"

namespace scepgate::ca_backend::testing {
namespace {

using certs::X509Ptr;
using StorePtr = std::unique_ptr<X509_STORE, certs::Deleter<X509_STORE_free>>;
using StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, certs::Deleter<X509_STORE_CTX_free>>;

struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;

X509Ptr to_x509(const certs::Certificate& certificate) {
    const unsigned char* at = certificate.der().data();
    return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
}

}  // namespace

std::string verify_strictly(const certs::Certificate& leaf,
                            const std::vector<certs::Certificate>& chain, std::int64_t time) {
    const StorePtr anchors(X509_STORE_new());
    const X509Ptr anchor = to_x509(chain.back());
    X509_STORE_add_cert(anchors.get(), anchor.get());
    const StackPtr others(sk_X509_new_null());
    for (std::size_t i = 0; i + 1 < chain.size(); ++i)
        sk_X509_push(others.get(), to_x509(chain[i]).release());

    const X509Ptr tested = to_x509(leaf);
    const StoreCtxPtr context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), anchors.get(), tested.get(), others.get());
    X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX_set_time(context.get(), 0, time);
    X509_verify_cert(context.get());
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace scepgate::ca_backend::testing
