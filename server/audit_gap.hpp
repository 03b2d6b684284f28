// Lines of an audit file that are no records of its chain.
#pragma once

#include "server/audit_line.hpp"

namespace scepgate::server {

/// What stands behind a record and does not follow it. A crash, a full disk or a power failure may
/// have left it:
///   a line that does not end, or the beginning of the next record, which got its end later;
///   a line with zero octets, where a part of a write did not reach the disk;
///   behind such a line records that were in that write too.
/// A line that is nothing of that is foreign, whatever stands beside it.
class AuditGap {
public:
    /// `before`: the record that it stands behind.
    explicit AuditGap(const AuditPosition& before) : before_(before) {}

    /// `record`: the line is one, though none that follows.
    void add(const AuditLineReader::Line& line, bool record);

    [[nodiscard]] const AuditPosition& before() const noexcept { return before_; }
    [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }
    [[nodiscard]] bool has_zeros() const noexcept { return zeros_; }
    [[nodiscard]] bool is_foreign() const noexcept { return foreign_; }

private:
    [[nodiscard]] bool begins_next_record(std::string_view line) const;

    AuditPosition before_;
    std::uint64_t octets_ = 0;
    bool torn_ = false;  ///< the line that is being added
    bool zeros_ = false, foreign_ = false;
};

}  // namespace scepgate::server
