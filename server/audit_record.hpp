// One record of the audit file, under construction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/audit_events.hpp"

namespace scepgate::server {

/// What was decided. Values are escaped; the time comes first.
class AuditRecord {
public:
    AuditRecord(AuditEvent event, std::int64_t now);
    AuditRecord& add(std::string_view key, std::string_view value);
    AuditRecord& add(std::string_view key, std::int64_t value);
    /// Leaves an empty value out.
    AuditRecord& add_if(std::string_view key, std::string_view value);
    AuditRecord& add(std::string_view key, const std::vector<std::string>& values);

    /// The members as JSON, without the braces around them.
    [[nodiscard]] const std::string& members() const noexcept { return members_; }

private:
    std::string members_;
};

}  // namespace scepgate::server
