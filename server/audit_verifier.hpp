// Whether records of the audit file are an unbroken chain.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "server/audit_digest.hpp"
#include "server/audit_gap.hpp"

namespace scepgate::server {

/// Where something was found.
struct AuditPlace {
    std::string file;
    std::uint64_t line = 0;  ///< 1 …; 0: the file as a whole
    std::uint64_t seq = 0;   ///< the record; 0: none
};

struct AuditFault {
    /// "edited", "missing", "reordered", "duplicated", "forked", "restarted", "not_a_record",
    /// "foreign", "truncated", "head_mismatch", "no_head", "not_kept".
    std::string_view kind;
    AuditPlace place;
    std::string expected, found;
};

/// What is no fault, but worth knowing.
struct AuditNote {
    AuditPlace place;
    std::string text;
};

struct AuditReport {
    std::uint64_t files = 0, records = 0;
    std::uint64_t first_seq = 0;  ///< of the first record; 0: there is none
    AuditPosition last;
    std::vector<AuditFault> faults;  ///< the first kMostFaults
    std::uint64_t fault_count = 0;
    std::vector<AuditNote> notes;
    static constexpr std::size_t kMostFaults = 100;
};

/// Takes the lines of all files, oldest first, in memory that does not grow with them.
class AuditVerifier {
public:
    /// Told of each record, sound or not: its line, and what it says of its place in the chain.
    using OnRecord = std::function<void(std::string_view, const AuditLink&)>;

    explicit AuditVerifier(const AuditDigest& digest, OnRecord on_record = {})
        : digest_(digest), on_record_(std::move(on_record)) {}

    /// Somebody has kept this (`scepgate audit head`): it has to be among the records.
    void require(const AuditPosition& kept) { kept_.push_back({kept, false, "not_kept"}); }
    /// The head file says this of the last record.
    void require_head(const AuditPosition& head) {
        kept_.push_back({head, false, "head_mismatch"});
    }
    /// There should be a head file, and is none.
    void miss_head(std::string file);
    /// The newest file is not there, though its head file is.
    void miss_newest(std::string file);

    void begin_file(std::string name);
    void line(const AuditLineReader::Line& line);
    AuditReport finish();

private:
    struct Kept {
        AuditPosition position;
        bool found;
        std::string_view kind;
    };
    /// Lines that are no records, until the one that says what they are.
    struct Gap {
        AuditGap lines;
        std::uint64_t first_line;
        RunningSha256 hash;
        void add(const AuditLineReader::Line& line, bool record);
    };
    /// Records behind zeros are judged as they stand. But a power failure may have left them, and
    /// the chain may go on from before the zeros: then they are a part of the gap.
    struct Doubt {
        Gap gap;
        AuditPlace last_place;
        std::vector<Kept> kept;
        std::uint64_t records, first_seq, fault_count;
        std::size_t faults, notes;
    };
    void begin_doubt(const AuditLineReader::Line& line);
    void end_doubt();
    void add_gap(const AuditLineReader::Line& line);
    void end_gap(bool at_end);
    void close_gap(std::string_view chain_line, const AuditPlace& place);
    void judge(const AuditLink& link, const AuditPosition& at);
    void judge_break(const AuditLink& link, const AuditPosition& at);
    void fault(std::string_view kind, AuditPlace place, std::string expected, std::string found);
    void note(AuditPlace place, std::string text) {
        report_.notes.push_back({std::move(place), std::move(text)});
    }
    [[nodiscard]] AuditPlace here(std::uint64_t seq) const { return {file_, line_, seq}; }

    const AuditDigest& digest_;
    OnRecord on_record_;
    AuditReport report_;
    std::vector<Kept> kept_;
    std::string file_;
    std::uint64_t line_ = 0;
    AuditPlace last_place_;
    std::optional<Gap> gap_;
    std::optional<Doubt> doubt_;
    /// The newest records, to tell a copy from a fork.
    std::array<AuditPosition, 4096> recent_{};
};

}  // namespace scepgate::server
