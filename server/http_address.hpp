// Network addresses as text and octets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "certs/bytes.hpp"

namespace scepgate::server {

/// An IPv4 address inside IPv6 ("::ffff:192.0.2.1") as IPv4; a zone ("%eth0") is dropped.
[[nodiscard]] boost::asio::ip::address plain_address(const boost::asio::ip::address& address);

/// Reads a numeric address; the result is plain. Nothing when it is not one.
[[nodiscard]] std::optional<boost::asio::ip::address> parse_address(std::string_view text);

/// 4 or 16 octets in network order.
[[nodiscard]] Bytes address_octets(const boost::asio::ip::address& address);

/// What counts as one client: the octets of an IPv4 address, or the first 8 of an IPv6 one. One
/// subscriber has a /64 at the least, and may use a new address for each connection. `address` is
/// plain; of a text that is no address it is the beginning.
[[nodiscard]] std::string owner_of(const boost::asio::ip::address& address);
[[nodiscard]] std::string owner_of(std::string_view address);

/// The same for people: an IPv4 address, or a /64.
[[nodiscard]] std::string owner_text(std::string_view address);

/// Reads "127.0.0.1:8080" or "[::1]:8080". kConfig for anything else, with how to write it.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> parse_endpoint(std::string_view text);

/// "127.0.0.1:8080" or "[::1]:8080".
[[nodiscard]] std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace scepgate::server
