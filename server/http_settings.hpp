// What the HTTP side can be told; defaults are safe for the open internet.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "certs/secret.hpp"
#include "server/config_keys.hpp"

namespace scepgate::server {

struct HttpLimits {
    std::size_t request_line = 128 * 1024;  ///< octets; over it 414
    std::size_t header_fields = 32 * 1024;  ///< octets of all fields; over it 431
    std::size_t header_count = 100;         ///< fields; over it 431
    std::size_t body = 1024 * 1024;         ///< octets; over it 413
    std::chrono::milliseconds header_time{
        10'000};  ///< from the first octet to the end of the header
    std::chrono::milliseconds request_time{
        30'000};                                   ///< from the first octet to the end of the body
    std::chrono::milliseconds write_time{30'000};  ///< to hand a reply to the peer
    std::chrono::milliseconds idle_time{60'000};   ///< between requests on a connection
    std::size_t requests_per_connection = 10'000;
    std::size_t connections = 20'000;  ///< in all
    std::size_t connections_per_address =
        2'000;  ///< per IPv4 address or IPv6 /64; a proxy counts as one
    /// Connections over these limits that are told 503, and live for two seconds until it has
    /// arrived; the others are closed at once.
    std::size_t told_per_second = 200;
};

/// An address prefix: "10.0.0.0/8", "2001:db8::/32", "127.0.0.1". An IPv4 address written as IPv6
/// ("::ffff:10.0.0.1") is the IPv4 address.
struct AddressPrefix {
    /// kConfig: not an address, a prefix length out of range, or address bits beyond the prefix.
    static Result<AddressPrefix> parse(std::string_view text);
    /// False for what is not an address.
    [[nodiscard]] bool contains(std::string_view address) const;

    std::string text;
    Bytes octets;  ///< 4 or 16
    unsigned bits = 0;
};

struct ListenSettings {
    std::string address;               ///< "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80"
    std::optional<KeyPairConfig> tls;  ///< certificate file with its chain, and its key
    std::string json_path{};           ///< where the configuration has it
    /// PEM: clients are asked for a certificate of one of these CAs. Absent: they are not asked.
    std::optional<std::filesystem::path> client_ca{};
};

struct HttpSettings {
    std::vector<ListenSettings> listen;
    std::vector<AddressPrefix> trusted_proxies;  ///< whose X-Forwarded-For / Forwarded is believed
    HttpLimits limits;
    unsigned io_threads = 0;  ///< 0: one a core
};

}  // namespace scepgate::server
