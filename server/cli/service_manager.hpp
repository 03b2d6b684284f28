// Words to systemd (Type=notify), without its library: sd_notify(3) is one datagram.
#pragma once

#include <string_view>

namespace scepgate::server::cli {

/// "READY=1" or "STOPPING=1", to the socket that NOTIFY_SOCKET names. Nothing happens
/// without one, and nothing comes of a failure: systemd waits, and says so.
void tell_service_manager(std::string_view state) noexcept;

}  // namespace scepgate::server::cli
