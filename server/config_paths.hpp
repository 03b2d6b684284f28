// Names and paths of endpoints in the configuration, and names of callers.
#pragma once

#include <string>
#include <string_view>

#include "server/config.hpp"

namespace scepgate::server {

/// How endpoint paths are compared: ASCII lower case, without a trailing slash.
[[nodiscard]] std::string normal_path(std::string_view path);

/// Whether a request's path can be this: "/" and segments of URL characters (RFC 3986 unreserved,
/// sub-delims, ":" and "@"; never "%"), none of them empty, "." or "..".
[[nodiscard]] bool sound_endpoint_path(std::string_view path) noexcept;

/// 1 to 64 letters, digits, ".", "_", "-" and "/".
[[nodiscard]] bool sound_endpoint_name(std::string_view name) noexcept;

/// The same, and "\" and "@": a Windows account (EXAMPLE\svc, svc@example.com) is a caller.
[[nodiscard]] bool sound_caller_name(std::string_view name) noexcept;

}  // namespace scepgate::server
