// The audit file as the configuration has it.
#pragma once

#include "server/audit_log.hpp"
#include "server/config.hpp"

namespace scepgate::server {

/// `audit.hmac_key` must have as many octets.
inline constexpr std::size_t kLeastAuditKey = 32;

/// Reads `audit.hmac_key` where there is one; adds a fault where it cannot be used.
[[nodiscard]] std::optional<Secret> load_audit_key(const Config& config, ConfigFaults& faults);

/// How records are hashed. kConfig: the key cannot be used.
[[nodiscard]] Result<AuditDigest> audit_digest(const Config& config);

/// Opens `audit.file` for writing, with the key and the durability that the configuration gives.
/// kConfig: something of it cannot be used.
[[nodiscard]] Result<std::shared_ptr<AuditLog>> open_audit(const Config& config);

}  // namespace scepgate::server
