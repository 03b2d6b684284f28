#include "scep/equal_work.hpp"

#include <array>

#include "certs/public_key.hpp"

namespace scepgate::scep {
namespace {

/// The public half of a key whose private half was thrown away.
constexpr std::string_view kSomebodysKey =
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyJ6PdVLHKruSM5K3vDaFxueukUY6cpMy9zEhBM2k3FRe"
    "5N3l2c6qmSduhcazDZip11mPmQ/hME14q5zP6c9iJBAhIhUMdvctZGBFprne/HKySX9hCXdZwHp0XSC8P4SRPplz"
    "w11X8irwPp4l/7A5IplxoeqKpLkFaGCYMlYnyv1tm2E/lb2ZjW0Ozkg39uLMBv8i0zVpWEfiTEc4/W47PLxW9BJY"
    "wjapWt6SMv0YhvE/7qUF/ddWh7da2OutsglmiBtygnrO4Tq5mKJt/drrTjbjtyIt/8syi0YV79Lq7M+FXFuq4bGc"
    "C3gtPuWZwCrrXf4kOjWyEqmxZiAlvliuaQIDAQAB";

const Bytes& somebodys_key() {
    static const Bytes spki = [] {
        auto decoded = from_base64(kSomebodysKey);
        return decoded ? std::move(*decoded) : Bytes();
    }();
    return spki;
}

}  // namespace

void check_a_signature_for_nothing(ByteView content) {
    // A number below the modulus.
    static constexpr std::array<std::uint8_t, 256> kSignature{0x01};
    const auto key = certs::PublicKey::from_spki(somebodys_key());
    if (key) {
        static_cast<void>(
            key->verifies({certs::KeyType::kRsa, certs::Digest::kSha256}, content, kSignature));
    }
}

}  // namespace scepgate::scep
