#include "server/http_address.hpp"

#include <algorithm>
#include <charconv>

namespace scepgate::server {

namespace ip = boost::asio::ip;

ip::address plain_address(const ip::address& address) {
    if (!address.is_v6()) return address;
    const ip::address_v6 v6 = address.to_v6();
    if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
    return ip::address_v6(v6.to_bytes());
}

std::optional<ip::address> parse_address(std::string_view text) {
    constexpr std::size_t kLongest = 64;  // an IPv6 address with a zone
    if (text.empty() || text.size() > kLongest) return std::nullopt;
    boost::system::error_code error;
    const ip::address address = ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    return plain_address(address);
}

Bytes address_octets(const ip::address& address) {
    if (address.is_v4()) {
        const auto octets = address.to_v4().to_bytes();
        return {octets.begin(), octets.end()};
    }
    const auto octets = address.to_v6().to_bytes();
    return {octets.begin(), octets.end()};
}

std::string owner_of(const ip::address& address) {
    Bytes octets = address_octets(address);
    if (octets.size() == 16) octets.resize(8);
    return std::string(as_text(octets));
}

std::string owner_of(std::string_view address) {
    const auto parsed = parse_address(address);
    return parsed ? owner_of(*parsed) : std::string(address.substr(0, 64));
}

std::string owner_text(std::string_view address) {
    const auto parsed = parse_address(address);
    if (!parsed) return std::string(address.substr(0, 64));
    if (parsed->is_v4()) return parsed->to_string();
    auto octets = parsed->to_v6().to_bytes();
    std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
    return ip::address_v6(octets).to_string() + "/64";
}

Result<ip::tcp::endpoint> parse_endpoint(std::string_view text) {
    const auto fault = [text] {
        return Error{Errc::kConfig, "\"" + std::string(text) +
                                        "\" is not a numeric address with a port: write "
                                        "\"127.0.0.1:8080\", \"0.0.0.0:80\" or \"[::1]:8080\""};
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return fault();
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);

    std::uint16_t port = 0;
    const auto [end, error] =
        std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (error != std::errc{} || end != port_text.data() + port_text.size()) return fault();
    boost::system::error_code not_an_address;
    const ip::address address = ip::make_address(std::string(host), not_an_address);
    if (not_an_address || address.is_v6() != bracketed) return fault();
    return ip::tcp::endpoint(address, port);
}

std::string endpoint_text(const ip::tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace scepgate::server
