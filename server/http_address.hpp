// Network addresses as text and octets.
#pragma once

#include <optional>
#include <string_view>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "certs/bytes.hpp"

namespace scepgate::server {

/// An IPv4 address inside IPv6 ("::ffff:192.0.2.1") as IPv4; a zone ("%eth0") is dropped.
[[nodiscard]] boost::asio::ip::address plain_address(const boost::asio::ip::address& address);

/// Reads a numeric address; the result is plain. Nothing when it is not one.
[[nodiscard]] std::optional<boost::asio::ip::address> parse_address(std::string_view text);

/// Who has an address, as text: an IPv4 address, or the /64 of an IPv6 address, which is the least
/// that one subscriber has. At most 64 octets of what is no address.
[[nodiscard]] std::string address_owner(std::string_view address);

/// 4 or 16 octets in network order.
[[nodiscard]] Bytes address_octets(const boost::asio::ip::address& address);

/// Reads "127.0.0.1:8080" or "[::1]:8080". kConfig for anything else, with how to write it.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> parse_endpoint(std::string_view text);

/// "127.0.0.1:8080" or "[::1]:8080".
[[nodiscard]] std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace scepgate::server
