// Whose request it is when a reverse proxy stands in front.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/http_framing.hpp"
#include "server/http_settings.hpp"

namespace scepgate::server {

[[nodiscard]] bool is_trusted_proxy(std::string_view address,
                                    std::span<const AddressPrefix> trusted);

/// The client's address of a request that came from the trusted proxy `peer`: each proxy appends
/// the address it saw, so the list is read from its end, over hops that are trusted themselves, to
/// the first that is not. What stands before that one anybody may have written (attacks.md H15). An
/// entry that is not an address ends the walk at the hop before it.
///
/// X-Forwarded-For and Forwarded (RFC 7239) are read alike. With both, one of them may be the
/// client's own, handed on by a proxy that writes the other: they count where they end at one hop,
/// else the client is `peer`.
[[nodiscard]] std::string forwarded_client(const ParsedHeader& header, std::string_view peer,
                                           std::span<const AddressPrefix> trusted);

}  // namespace scepgate::server
