// What an HTTP reply is when it is not SCEP's.
#pragma once

#include <optional>

#include "server/doctor/exchange.hpp"
#include "server/doctor/remedies.hpp"

namespace scepgate::server::doctor {

struct Obstacle {
    std::string cause;
    Remedies remedies = {};
};

/// "HTTP 200, text/plain, 98 octets"; or why there is none.
[[nodiscard]] std::string in_words(const Reply& reply);
/// A page for people, whatever it calls itself.
[[nodiscard]] bool is_page(const Reply& reply);
/// Redirects, logins, pages, refusals and the lack of a reply; nothing for a 200 that may be
/// SCEP's.
[[nodiscard]] std::optional<Obstacle> obstacle_in(const Reply& reply);
/// The same for a request that is long, where an empty-handed answer most likely means a limit:
/// `fault` is kLongLine or kLargeBody, which decides the settings named.
[[nodiscard]] Obstacle obstacle_of_length(const Reply& reply, Fault fault);

}  // namespace scepgate::server::doctor
