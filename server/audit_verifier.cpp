#include "server/audit_verifier.hpp"

#include <nlohmann/json.hpp>

namespace scepgate::server {
namespace {

std::string name_of(std::uint64_t seq) {
    return "record " + std::to_string(seq);
}

bool is_chain_record(std::string_view line) {
    // The time, then the event: their places are fixed (AuditRecord).
    const std::size_t event = line.find("\"event\":\"");
    return event != std::string_view::npos && line.substr(event).starts_with("\"event\":\"chain\"");
}

/// The notes that "chain" records are.
std::string explain(std::string_view reason) {
    if (reason == "rotated") return "the file was rotated or emptied before this record";
    if (reason == "torn") return "a crash or a full disk cut a line short; this record tells of it";
    if (reason == "adopted") return "what stands before was written without a chain";
    if (reason == "head_lost") {
        return "the head file was lost before this record: what was cut off just before it would "
               "not show here";
    }
    return "the chain was interrupted: " + std::string(reason);
}

}  // namespace

void AuditVerifier::fault(std::string_view kind, AuditPlace place, std::string expected,
                          std::string found) {
    ++report_.fault_count;
    if (report_.faults.size() < AuditReport::kMostFaults)
        report_.faults.push_back({kind, std::move(place), std::move(expected), std::move(found)});
}

void AuditVerifier::miss_head(std::string file) {
    fault("no_head", {std::move(file), 0, 0}, "a head file", "none");
}

void AuditVerifier::miss_newest(std::string file) {
    file_ = file;
    note({std::move(file), 0, 0},
         "it is not there: if it was rotated away, name the file that it was moved to");
}

void AuditVerifier::begin_file(std::string name) {
    end_gap(true);
    doubt_.reset();
    file_ = std::move(name);
    line_ = 0;
    ++report_.files;
}

void AuditVerifier::line(const AuditLineReader::Line& line) {
    if (line.begins) ++line_;
    const auto link = line.whole() ? parse_audit_line(line.text) : std::nullopt;
    if (doubt_) {
        if (link && link->continues(doubt_->gap.lines.before())) {
            end_doubt();
        } else {
            doubt_->gap.add(line, link.has_value());
        }
    }
    if (!link) return add_gap(line);
    if (!doubt_ && gap_ && gap_->lines.has_zeros() && !link->continues(report_.last))
        begin_doubt(line);
    const AuditPosition at{link->seq, digest_.of(line.text)};
    if (is_chain_record(line.text)) {
        close_gap(line.text, here(at.seq));
    } else {
        end_gap(false);
    }
    judge(*link, at);
    ++report_.records;
    if (on_record_) on_record_(line.text, *link);
    for (Kept& kept : kept_)
        kept.found = kept.found || kept.position == at;
    report_.last = at;
    last_place_ = here(at.seq);
    recent_[at.seq % recent_.size()] = at;
}

void AuditVerifier::judge(const AuditLink& link, const AuditPosition& at) {
    if (report_.records == 0) {
        report_.first_seq = link.seq;
        if (link.seq == 1 && link.prev != Sha256{}) {
            fault("edited", here(1), to_hex(Sha256{}) + " as what is before the first record",
                  to_hex(link.prev));
        } else if (link.seq > 1) {
            note(here(link.seq), "the chain begins here with " + name_of(link.seq) +
                                     ": what is before it is in files that were not given");
        }
        return;
    }
    if (!link.continues(report_.last)) judge_break(link, at);
}

void AuditVerifier::judge_break(const AuditLink& link, const AuditPosition& at) {
    const std::uint64_t next = report_.last.seq + 1;
    if (link.seq == next) {
        // What follows names the hash that the record before it had when it was written.
        fault("edited", last_place_, to_hex(link.prev), to_hex(report_.last.hash));
    } else if (link.seq > next) {
        fault("missing", here(next), name_of(next), name_of(link.seq));
    } else if (link.seq == 1 && link.prev == Sha256{}) {
        fault("restarted", here(1), name_of(next), "a new chain");
    } else {
        const AuditPosition& known = recent_[at.seq % recent_.size()];
        const std::string_view kind = known == at           ? "duplicated"
                                      : known.seq == at.seq ? "forked"
                                                            : "reordered";
        fault(kind, here(at.seq), name_of(next), name_of(at.seq));
    }
}

void AuditVerifier::Gap::add(const AuditLineReader::Line& line, bool record) {
    lines.add(line, record);
    hash.add(line.text);
    if (line.ends) hash.add("\n");
}

void AuditVerifier::add_gap(const AuditLineReader::Line& line) {
    if (!gap_) gap_.emplace(Gap{AuditGap(report_.last), line_, {}});
    gap_->add(line, false);
}

void AuditVerifier::begin_doubt(const AuditLineReader::Line& line) {
    doubt_.emplace(Doubt{*gap_, last_place_, kept_, report_.records, report_.first_seq,
                         report_.fault_count, report_.faults.size(), report_.notes.size()});
    doubt_->gap.add(line, true);
}

void AuditVerifier::end_doubt() {
    report_.records = doubt_->records;
    report_.first_seq = doubt_->first_seq;
    report_.last = doubt_->gap.lines.before();
    report_.fault_count = doubt_->fault_count;
    report_.faults.resize(doubt_->faults);
    report_.notes.resize(doubt_->notes);
    last_place_ = std::move(doubt_->last_place);
    kept_ = std::move(doubt_->kept);
    gap_ = std::move(doubt_->gap);
    doubt_.reset();
}

/// Nobody says what these lines are, or (at the end of a file) not yet.
void AuditVerifier::end_gap(bool at_end) {
    if (!gap_) return;
    const AuditPlace place{file_, gap_->first_line, 0};
    if (!at_end || gap_->lines.is_foreign()) {
        fault("not_a_record", place, name_of(report_.last.seq + 1),
              std::to_string(gap_->lines.octets()) + " octets that are no record");
    } else {
        note(place,
             "what stands at the end was cut short by a crash or a full disk; it is no record");
    }
    gap_.reset();
}

void AuditVerifier::close_gap(std::string_view chain_line, const AuditPlace& place) {
    const auto json = nlohmann::json::parse(chain_line, nullptr, false);
    const auto text = [&](const char* key) {
        const auto found = json.is_object() ? json.find(key) : json.end();
        return found != json.end() && found->is_string() ? found->get<std::string>()
                                                         : std::string();
    };
    const std::string reason = text("reason");
    const std::string hash = gap_ ? to_hex(gap_->hash.finish()) : "";
    const AuditPlace begin{file_, gap_ ? gap_->first_line : line_, 0};
    if (text("sha256") != hash) {
        fault("not_a_record", begin,
              text("sha256").empty() ? name_of(place.seq) + " right after the one before"
                                     : "lines with SHA-256 " + text("sha256"),
              hash.empty() ? "no lines" : "lines with SHA-256 " + hash);
    } else if (reason == "foreign") {
        const std::uint64_t octets = gap_ ? gap_->lines.octets() : 0;
        fault("foreign", begin, "records of this chain",
              std::to_string(octets) + " octets that another program wrote");
    } else {
        note(place, explain(reason));
    }
    gap_.reset();
}

AuditReport AuditVerifier::finish() {
    end_gap(true);
    for (const Kept& kept : kept_) {
        if (kept.found) continue;
        const bool cut = kept.position.seq > report_.last.seq;
        fault(cut ? "truncated" : kept.kind, {file_, line_, kept.position.seq},
              to_text(kept.position),
              cut ? "the last is " + name_of(report_.last.seq) : "no such record");
    }
    return std::move(report_);
}

}  // namespace scepgate::server
