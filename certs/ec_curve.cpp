#include "certs/ec_curve.hpp"

#include <openssl/ec.h>
#include <openssl/objects.h>

#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

using EcGroupPtr = std::unique_ptr<EC_GROUP, Deleter<EC_GROUP_free>>;
using EcPointPtr = std::unique_ptr<EC_POINT, Deleter<EC_POINT_free>>;

constexpr std::array<EcCurve, 3> kCurves{{
    {oid::kP256, 256, "P-256", NID_X9_62_prime256v1, 32},
    {oid::kP384, 384, "P-384", NID_secp384r1, 48},
    {oid::kP521, 521, "P-521", NID_secp521r1, 66},
}};

constexpr std::uint8_t kUncompressedPoint = 0x04;

std::size_t index_of(const EcCurve& curve) noexcept {
    return static_cast<std::size_t>(&curve - kCurves.data());
}

/// Made once: OpenSSL computes a group's tables at each asking.
const EC_GROUP* group_of(const EcCurve& curve) {
    static const auto groups = [] {
        std::array<EcGroupPtr, kCurves.size()> made;
        for (std::size_t i = 0; i < made.size(); ++i)
            made[i].reset(EC_GROUP_new_by_curve_name(kCurves[i].openssl_number));
        return made;
    }();
    return groups[index_of(curve)].get();
}

/// A key with the curve's parameters, to copy: OpenSSL 3.0 makes a curve anew for each key that it
/// decodes, four times the work of the copy and the check of the point.
EVP_PKEY* parameters_of(const EcCurve& curve) {
    static const auto keys = [] {
        std::array<EvpPkeyPtr, kCurves.size()> made;
        for (std::size_t i = 0; i < made.size(); ++i) {
            const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
            EVP_PKEY* raw = nullptr;
            if (context && EVP_PKEY_paramgen_init(context.get()) == 1 &&
                EVP_PKEY_CTX_set_group_name(context.get(), kCurves[i].openssl_name) == 1 &&
                EVP_PKEY_paramgen(context.get(), &raw) == 1) {
                made[i].reset(raw);
            }
        }
        return made;
    }();
    return keys[index_of(curve)].get();
}

}  // namespace

Result<const EcCurve*> find_curve(const AlgorithmIdentifier& algorithm) {
    if (!algorithm.parameters || algorithm.parameters->tag != DerTag::kOid) {
        return unsupported("EC key without a named curve");
    }
    for (const EcCurve& curve : kCurves) {
        if (equal(algorithm.parameters->content, curve.oid)) return &curve;
    }
    return unsupported("EC curve " + oid_to_text(algorithm.parameters->content) +
                       " is not taken: P-256, P-384 and P-521 are");
}

Result<void> check_point(const EcCurve& curve, ByteView point) {
    if (point.size() != 1 + 2 * curve.field_octets || point[0] != kUncompressedPoint) {
        return unsupported("EC point that is not uncompressed, or not of its curve's size");
    }
    const EC_GROUP* group = group_of(curve);
    const EcPointPtr read(group != nullptr ? EC_POINT_new(group) : nullptr);
    if (!read) return take_ossl_error("EC public key");
    if (EC_POINT_oct2point(group, read.get(), point.data(), point.size(), nullptr) != 1) {
        Error error = take_ossl_error("EC point");
        error.code = Errc::kMalformed;
        return error;
    }
    return {};
}

EvpPkeyPtr make_ec_key(const EcCurve& curve, ByteView point) {
    EVP_PKEY* const parameters = parameters_of(curve);
    EvpPkeyPtr key(parameters != nullptr ? EVP_PKEY_dup(parameters) : nullptr);
    if (!key || EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1)
        return nullptr;
    return key;
}

}  // namespace scepgate::certs
