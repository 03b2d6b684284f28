#include "server/http_settings.hpp"

#include <charconv>

#include "server/http_address.hpp"

namespace scepgate::server {
namespace {

Error bad_prefix(std::string_view text, std::string_view fault) {
    return {Errc::kConfig, "\"" + std::string(text) + "\" " + std::string(fault)};
}

/// The octets with all bits beyond the first `bits` cleared.
Bytes network_part(Bytes octets, unsigned bits) {
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const std::size_t first_bit = i * 8;
        if (bits >= first_bit + 8) continue;
        const std::size_t kept = bits > first_bit ? bits - first_bit : 0;
        octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00U >> kept));
    }
    return octets;
}

}  // namespace

Result<AddressPrefix> AddressPrefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    const std::string_view address_text = text.substr(0, slash);
    const auto address = parse_address(address_text);
    if (!address) {
        return bad_prefix(text, "is not an address or prefix such as \"10.0.0.0/8\" or \"::1\"");
    }
    AddressPrefix prefix;
    prefix.text = std::string(text);
    prefix.octets = address_octets(*address);
    const auto all_bits = static_cast<unsigned>(prefix.octets.size() * 8);
    prefix.bits = all_bits;
    if (slash != std::string_view::npos) {
        const std::string_view length = text.substr(slash + 1);
        const auto [end, error] =
            std::from_chars(length.data(), length.data() + length.size(), prefix.bits);
        if (error != std::errc{} || end != length.data() + length.size()) {
            return bad_prefix(text, "has no number after the slash");
        }
        // "::ffff:10.0.0.0/104" counts the 96 bits in front of the IPv4 address.
        if (all_bits == 32 && address_text.find(':') != std::string_view::npos) {
            if (prefix.bits < 96) return bad_prefix(text, "is wider than all of IPv4");
            prefix.bits -= 96;
        }
        if (prefix.bits > all_bits) return bad_prefix(text, "has a prefix length out of range");
    }
    if (network_part(prefix.octets, prefix.bits) != prefix.octets) {
        return bad_prefix(text, "has address bits beyond its length: a typing error in either");
    }
    return prefix;
}

bool AddressPrefix::contains(std::string_view address) const {
    const auto parsed = parse_address(address);
    if (!parsed) return false;
    Bytes other = address_octets(*parsed);
    return other.size() == octets.size() && network_part(std::move(other), bits) == octets;
}

}  // namespace scepgate::server
