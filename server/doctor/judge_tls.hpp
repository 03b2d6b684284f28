// What a TLS handshake shows of what devices will meet.
#pragma once

#include <cstdint>

#include "server/doctor/finding.hpp"
#include "server/doctor/tls_handshake.hpp"

namespace scepgate::server::doctor {

/// tls-handshake
[[nodiscard]] Finding judge_handshake(const TlsView& view);
/// tls-chain: trusted, and complete as sent: an intermediate that only this machine knows is one
/// that devices lack. Dates are tls-validity's.
[[nodiscard]] Finding judge_chain(const TlsView& view);
/// tls-name
[[nodiscard]] Finding judge_name(const TlsView& view, const std::string& host);
/// tls-validity: of the chain, as far as there is one; a warning within 30 days of the end.
[[nodiscard]] Finding judge_validity(const TlsView& view, std::int64_t now);
/// tls-client-certificate
[[nodiscard]] Finding judge_client_certificate(const TlsView& view);
/// tls-1.2: of a handshake with nothing newer.
[[nodiscard]] Finding judge_tls_1_2(const TlsView& view);

}  // namespace scepgate::server::doctor
