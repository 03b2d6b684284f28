#include "server/audit_recovery.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/audit_gap.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;
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
    /// `grows`: there will be records behind these.
    Recovery(int descriptor, std::uint64_t size, bool grows, const AuditDigest& digest)
        : descriptor_(descriptor), size_(size), grows_(grows), digest_(digest) {}

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
        const bool all = line.whole() || (grows_ && line.begins && end == size_);
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
    bool grows_;
    const AuditDigest& digest_;
};

/// Whether it is the file that the head is about, with something in it that the head does not know.
bool goes_beyond(const struct stat& status, const AuditHead& head) {
    return S_ISREG(status.st_mode) && status.st_ino == head.inode &&
           static_cast<std::uint64_t>(status.st_size) > head.size;
}

/// The last record of the file that the head is about, where it has another name by now: a crash
/// before that may have come between a record and the head. A move within the folder keeps the
/// inode.
AuditPosition last_in_moved_file(const fs::path& folder, const AuditHead& head,
                                 const AuditDigest& digest) {
    std::error_code failure;
    for (fs::directory_iterator at(folder, failure), end; !failure && at != end;
         at.increment(failure)) {
        const fs::path& file = at->path();
        struct stat status {};
        if (::lstat(file.c_str(), &status) != 0 || !goes_beyond(status, head)) continue;
        // It may be another one by now: nothing that one waits for, or that is led elsewhere.
        const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        const int descriptor = ::open(file.c_str(), flags);
        if (descriptor < 0) continue;
        AuditPosition last = head.last;
        if (::fstat(descriptor, &status) == 0 && goes_beyond(status, head)) {
            const auto size = static_cast<std::uint64_t>(status.st_size);
            const auto found = Recovery(descriptor, size, false, digest).after({last, head.size});
            if (found) last = found->at;
        }
        ::close(descriptor);
        return last;
    }
    return head.last;
}

}  // namespace

Result<AuditRecovery> recover_audit_file(const CurrentAuditFile& file,
                                         const std::optional<AuditHead>& head,
                                         const AuditDigest& digest) {
    const auto last_before = [&] {
        if (!head) return AuditPosition();
        if (file.inode == head->inode) return head->last;
        const auto folder = file.name.parent_path();
        return last_in_moved_file(folder.empty() ? "." : folder, *head, digest);
    };
    if (file.size == 0) return AuditRecovery{last_before(), head ? "rotated" : "", 0};
    const Recovery recovery(file.descriptor, file.size, true, digest);
    if (!head) return recovery.without_head();
    if (file.inode == head->inode && file.size >= head->size)
        return recovery.after({head->last, head->size});
    // A file that was restored or copied is good as long as the last record is in it.
    const auto found = recovery.find(head->last);
    if (!found) return found.error();
    if (*found) return recovery.after(**found);
    // A file that is new to the head: what it begins with may follow the head's record, or be what
    // a crash left of that.
    const auto before = last_before();
    auto next = recovery.after({before, 0});
    if (!next || next->at != before || next->reason == "torn") return next;
    const auto last = recovery.last_record();
    if (!last) return last.error();
    if (!*last) return next;
    // The chain goes on from what was before, so that whoever verifies it sees the gap.
    return AuditRecovery{before, "file_replaced", (*last)->end};
}

}  // namespace scepgate::server
