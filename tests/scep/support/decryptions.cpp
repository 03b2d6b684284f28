#include "tests/scep/support/decryptions.hpp"

#include <atomic>
#include <dlfcn.h>

#include <openssl/evp.h>

namespace {

std::atomic<std::size_t> count{0};

}  // namespace

extern "C" int EVP_PKEY_decrypt(EVP_PKEY_CTX* context, unsigned char* out, std::size_t* out_length,
                                const unsigned char* in, std::size_t in_length) {
    using Function = decltype(&EVP_PKEY_decrypt);
    static const auto library = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "EVP_PKEY_decrypt"));
    ++count;
    return library(context, out, out_length, in, in_length);
}

namespace scepgate::scep::testing {

std::size_t decryptions() noexcept {
    return count.load();
}

}  // namespace scepgate::scep::testing
