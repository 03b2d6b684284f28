// What an admin request is told when it is not done (RFC 9457).
#pragma once

#include <stdexcept>

#include "server/http_message.hpp"

namespace scepgate::server::admin {

/// The header lines of every admin reply.
inline constexpr std::string_view kHeaders =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: same-origin\r\n";

/// `code` is stable, for programs (docs/mdm-api.md lists them); `detail` is for people, and holds
/// no secret.
struct Problem {
    unsigned status = 500;
    std::string code;
    std::string detail;
    std::int64_t retry_after = 0;  ///< seconds; 0: not said
};
[[noreturn]] inline void throw_exception_from_error(const Problem& problem,
                                                    const boost::source_location&) {
    throw std::logic_error("unchecked Result: " + problem.detail);
}

[[nodiscard]] inline Problem bad_request(std::string code, std::string detail) {
    return {400, std::move(code), std::move(detail)};
}

/// The text of application/problem+json.
[[nodiscard]] std::string to_json(const Problem& problem);
[[nodiscard]] HttpReply to_reply(const Problem& problem);
/// 405 with Allow: "GET, POST".
[[nodiscard]] HttpReply wrong_method(std::string_view allowed);
/// A reply with kHeaders. `content_type`: static storage.
[[nodiscard]] HttpReply to_reply(unsigned status, std::string_view content_type,
                                 std::string_view body);

}  // namespace scepgate::server::admin
