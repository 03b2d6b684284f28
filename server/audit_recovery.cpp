#include "server/audit_recovery.hpp"

#include <algorithm>

#include "server/audit_gap.hpp"

namespace scepgate::server {
namespace {

using Line = AuditLineReader::Line;

/// Where the last record is looked for when nothing else tells.
constexpr std::uint64_t kTail = 2 * kLongestAuditLine;

/// A record, and where the next one begins.
struct Found {
    AuditPosition at;
    std::uint64_t end = 0;
};

class Recovery {
public:
    Recovery(int descriptor, std::uint64_t size, const AuditDigest& digest)
        : descriptor_(descriptor), size_(size), digest_(digest) {}

    /// The file without a head.
    Result<AuditRecovery> without_head() const {
        const auto last = last_record();
        if (!last) return last.error();
        if (!*last) return AuditRecovery{{}, "adopted", 0};
        return AuditRecovery{(*last)->at, "head_lost", (*last)->end};
    }

    /// Records that were written after the head was: also behind a line that was cut short before,
    /// of which the next one tells.
    Result<AuditRecovery> after(Found found) const {
        AuditLineReader reader(descriptor_, found.end, size_);
        std::uint64_t at = found.end;
        AuditGap gap(found.at);
        for (;;) {
            const auto line = reader.next();
            if (!line) return line.error();
            if (!*line) break;
            at += (*line)->size();
            const auto link = link_of(**line, at);
            if (link && link->continues(found.at)) {
                found = {{link->seq, digest_.of((*line)->text)}, at};
                gap = AuditGap(found.at);
            } else {
                gap.add(**line, link.has_value());
            }
        }
        const auto what = gap.is_foreign() ? "foreign" : "torn";
        return AuditRecovery{found.at, gap.octets() == 0 ? "" : what, found.end};
    }

    /// The head's record, wherever it is in the file.
    Result<std::optional<Found>> find(const AuditPosition& wanted) const {
        return search(0, [&](const AuditPosition& at) { return at == wanted; });
    }

    Result<std::optional<Found>> last_record() const {
        return search(size_ - std::min(size_, kTail), [](const AuditPosition&) { return true; });
    }

private:
    /// Of a record to which only the line's end is missing too: it will get that.
    std::optional<AuditLink> link_of(const Line& line, std::uint64_t end) const {
        const bool all = line.whole() || (line.begins && end == size_);
        return all ? parse_audit_line(line.text) : std::nullopt;
    }

    /// The last record from `start` on for which `good` holds.
    template <class Good>
    Result<std::optional<Found>> search(std::uint64_t start, const Good& good) const {
        std::optional<Found> found;
        AuditLineReader reader(descriptor_, start, size_);
        for (std::uint64_t at = start;;) {
            const auto line = reader.next();
            if (!line) return line.error();
            if (!*line) return found;
            at += (*line)->size();
            const auto link = link_of(**line, at);
            if (!link) continue;
            const AuditPosition position{link->seq, digest_.of((*line)->text)};
            if (good(position)) found = Found{position, at};
        }
    }

    int descriptor_;
    std::uint64_t size_;
    const AuditDigest& digest_;
};

}  // namespace

Result<AuditRecovery> recover_audit_file(int descriptor, std::uint64_t size, std::uint64_t inode,
                                         const std::optional<AuditHead>& head,
                                         const AuditDigest& digest) {
    if (size == 0)
        return AuditRecovery{head ? head->last : AuditPosition(), head ? "rotated" : "", 0};
    const Recovery recovery(descriptor, size, digest);
    if (!head) return recovery.without_head();
    if (inode == head->inode && size >= head->size) return recovery.after({head->last, head->size});
    // A file that was restored or copied is good as long as the last record is in it.
    const auto found = recovery.find(head->last);
    if (!found) return found.error();
    if (*found) return recovery.after(**found);
    // A file that is new to the head: what it begins with may follow the head's record.
    auto next = recovery.after({head->last, 0});
    if (!next || next->at != head->last) return next;
    const auto last = recovery.last_record();
    if (!last) return last.error();
    if (!*last) return next;
    // The chain goes on from what the head says, so that whoever verifies it sees the gap.
    return AuditRecovery{head->last, "file_replaced", (*last)->end};
}

}  // namespace scepgate::server
