#include "certs/rsa_public_operation.hpp"

#include <bit>

#include <openssl/err.h>

namespace scepgate::certs {
namespace {

using BnCtxPtr = std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>>;

BnPtr number_of(ByteView octets) {
    return BnPtr(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
}

}  // namespace

RsaPublicOperation::RsaPublicOperation(std::size_t size, std::uint64_t exponent, BnPtr modulus,
                                       MontgomeryPtr montgomery) noexcept
    : size_(size),
      exponent_(exponent),
      modulus_(std::move(modulus)),
      montgomery_(std::move(montgomery)) {}

Result<RsaPublicOperation> RsaPublicOperation::make(ByteView modulus, std::uint64_t exponent) {
    const BnCtxPtr context(BN_CTX_new());
    BnPtr number = number_of(modulus);
    MontgomeryPtr montgomery(BN_MONT_CTX_new());
    if (!context || !number || !montgomery ||
        BN_MONT_CTX_set(montgomery.get(), number.get(), context.get()) != 1) {
        return take_ossl_error("RSA public key");
    }
    return RsaPublicOperation(modulus.size(), exponent, std::move(number), std::move(montgomery));
}

std::optional<Bytes> RsaPublicOperation::raise(ByteView number) const {
    if (number.size() != size_) return std::nullopt;
    const BnPtr base = number_of(number);
    if (!base || BN_ucmp(base.get(), modulus_.get()) >= 0) return std::nullopt;
    const BnCtxPtr context(BN_CTX_new());
    const BnPtr factor(BN_new());
    const BnPtr power(BN_new());
    Bytes result(size_);
    const auto multiply = [&](const BIGNUM* by) {
        return BN_mod_mul_montgomery(power.get(), power.get(), by, montgomery_.get(),
                                     context.get()) == 1;
    };
    bool good = context && factor && power &&
                BN_to_montgomery(factor.get(), base.get(), montgomery_.get(), context.get()) == 1 &&
                BN_copy(power.get(), factor.get()) != nullptr;
    for (int bit = static_cast<int>(std::bit_width(exponent_)) - 2; good && bit >= 0; --bit) {
        good = multiply(power.get());
        // The last factor is not in Montgomery form, so that the result is not, either.
        if (good && (exponent_ >> bit & 1U) != 0)
            good = multiply(bit == 0 ? base.get() : factor.get());
    }
    if (good && BN_bn2binpad(power.get(), result.data(), static_cast<int>(size_)) >= 0)
        return result;
    ERR_clear_error();
    return std::nullopt;
}

}  // namespace scepgate::certs
