// How replies look on the wire, and those that need no handler.
#pragma once

#include <string>
#include <string_view>

#include "server/http_message.hpp"

namespace scepgate::server {

/// The reason phrase; several clients want one.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

/// Writes status line and header fields into `out`, which is emptied first. What still lacks is
/// Date, and the empty line. No Server.
void write_reply_header(std::string& out, unsigned status, std::string_view content_type,
                        std::size_t body_size, std::string_view headers, bool close);

/// The reply to a request that is refused before the handler sees it: 400, 405, 408, 413, 414, 415,
/// 431, 500 or 503.
[[nodiscard]] const PreparedReply& refusal_reply(unsigned status);

inline constexpr std::string_view kContinueReply = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace scepgate::server
