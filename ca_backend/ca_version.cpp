#include "ca_backend/ca_version.hpp"

#include "certs/ca_oids.hpp"
#include "certs/der.hpp"

namespace scepgate::ca_backend {

CaVersion ca_version(const certs::Certificate& ca) {
    const auto* extension = certs::find_extension(ca.extensions(), certs::oid::kCaVersion);
    if (extension == nullptr) return {};
    certs::DerReader reader(extension->value);
    const auto octets = reader.read(certs::DerTag::kInteger);
    constexpr std::size_t kMaxOctets = 5;  // 32 bits, and one octet for the sign
    if (!octets || !reader.empty() || octets->size() > kMaxOctets) return {};
    std::uint64_t both = 0;
    for (const std::uint8_t octet : *octets)
        both = both << 8U | octet;
    return {static_cast<unsigned>(both & 0xFFFFU), static_cast<unsigned>(both >> 16U & 0xFFFFU)};
}

}  // namespace scepgate::ca_backend
