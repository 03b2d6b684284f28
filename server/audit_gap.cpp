#include "server/audit_gap.hpp"

namespace scepgate::server {

void AuditGap::add(const AuditLineReader::Line& line, bool record) {
    octets_ += line.size();
    if (line.begins) torn_ = begins_next_record(line.text) || (record && zeros_);
    if (has_zero_octets(line.text)) torn_ = zeros_ = true;
    foreign_ = foreign_ || (line.ends && !torn_);
}

bool AuditGap::begins_next_record(std::string_view line) const {
    const std::string next = make_audit_line(before_, "");
    const auto beginning = std::string_view(next).substr(0, next.find('}'));
    return !line.empty() && (line.starts_with(beginning) || beginning.starts_with(line));
}

}  // namespace scepgate::server
