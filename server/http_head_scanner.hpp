// Where a request's header ends in the raw octets, and what the parser behind it would not notice.
#pragma once

#include <cstddef>
#include <string_view>

#include "server/http_settings.hpp"

namespace scepgate::server {

/// Looks at a growing header, at each octet once. Line ends are CRLF and nothing else; a folded
/// field and an octet outside printable ASCII in the request line are refused as soon as they come,
/// so a TLS ClientHello or garbage does not wait for a deadline.
class HeadScanner {
public:
    enum class Status { kMore, kComplete, kBad, kLineTooLong, kFieldsTooLong, kTooManyFields };

    /// `input`: all octets of the request so far, the earlier ones unchanged.
    Status scan(std::string_view input, const HttpLimits& limits) noexcept;

    /// When kComplete: the header with the empty line.
    [[nodiscard]] std::size_t size() const noexcept { return position_; }
    /// Octets before the fields, CRLF included; 0 until the request line is complete.
    [[nodiscard]] std::size_t fields_start() const noexcept { return fields_start_; }
    /// When kBad: what is wrong.
    [[nodiscard]] std::string_view fault() const noexcept { return fault_; }

private:
    Status bad(std::string_view fault) noexcept;
    Status scan_line(std::string_view input, std::size_t limit) noexcept;
    Status scan_fields(std::string_view input, const HttpLimits& limits) noexcept;

    std::size_t position_ = 0;    ///< looked at up to here
    std::size_t line_start_ = 0;  ///< of the field line that position_ is in
    std::size_t fields_start_ = 0;
    std::size_t fields_ = 0;
    std::string_view fault_;
};

}  // namespace scepgate::server
