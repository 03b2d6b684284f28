#include "server/audit_record.hpp"

#include "certs/clock.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server {
namespace {

constexpr std::size_t kLongestValue = 4096;

}  // namespace

AuditRecord::AuditRecord(AuditEvent event, std::int64_t now) {
    members_.reserve(1024);
    members_ = "\"time\":\"" + certs::utc_text(now) + "\",\"event\":";
    append_json_string(members_, event.name());
}

AuditRecord& AuditRecord::add(std::string_view key, std::string_view value) {
    members_ += ',';
    append_json_string(members_, key);
    members_ += ':';
    append_json_string(members_, value, kLongestValue);
    return *this;
}

AuditRecord& AuditRecord::add_if(std::string_view key, std::string_view value) {
    return value.empty() ? *this : add(key, value);
}

AuditRecord& AuditRecord::add(std::string_view key, std::int64_t value) {
    members_ += ',';
    append_json_string(members_, key);
    members_ += ':' + std::to_string(value);
    return *this;
}

AuditRecord& AuditRecord::add(std::string_view key, const std::vector<std::string>& values) {
    members_ += ',';
    append_json_string(members_, key);
    members_ += ":[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i != 0) members_ += ',';
        append_json_string(members_, values[i], kLongestValue);
    }
    members_ += ']';
    return *this;
}

}  // namespace scepgate::server
