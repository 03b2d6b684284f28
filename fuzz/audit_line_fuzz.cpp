// Lines of an audit file: what is read as a record's place in the chain is written back the same,
// nothing but an unbroken chain verifies, and a head file that is read is one that was written.
// Input: an audit file.
#include <set>

#include "fuzz/fuzz.hpp"
#include "server/audit_head.hpp"
#include "server/audit_verifier.hpp"

namespace scepgate::fuzz {
namespace {

using server::AuditLineReader;

/// Whether one of them begins with the other: a record that was cut short.
bool agrees_with_next(std::string_view line, const server::AuditPosition& at) {
    const std::string next =
        "{\"seq\":" + std::to_string(at.seq + 1) + ",\"prev\":\"" + to_hex(at.hash) + "\",";
    const std::size_t common = std::min(line.size(), next.size());
    return common != 0 && line.substr(0, common) == next.substr(0, common);
}

/// A plain second look: each line is a record that names the hash of the one before, until the end
/// or what was cut short there.
bool is_chain(const std::vector<std::string_view>& lines) {
    server::AuditPosition at;
    bool first = true, torn = false;
    for (const std::string_view line : lines) {
        const auto link = server::parse_audit_line(line);
        if (!link) {
            torn = true;
            if (!agrees_with_next(line, at)) return false;
            continue;
        }
        if (torn) return false;
        if (first && link->seq != 1) at = {link->seq - 1, link->prev};
        if (!link->continues(at)) return false;
        at = {link->seq, sha256(as_bytes(line))};
        first = false;
    }
    return true;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

void run(ByteView input) {
    const std::string_view text = as_text(input);
    const server::AuditDigest digest;
    const auto lines = lines_of(text);
    const bool ended = text.empty() || text.back() == '\n';
    server::AuditVerifier verifier(digest);
    verifier.begin_file("input");
    bool explained = false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string_view line = lines[i];
        verifier.line({line, true, ended || i + 1 < lines.size()});
        // Zeros are what a power failure leaves: at the end they are no fault (audit_gap.hpp).
        explained = explained || line.find("\"chain\"") != std::string_view::npos ||
                    line.find('\0') != std::string_view::npos;
        const auto link = server::parse_audit_line(line);
        if (!link) continue;
        const std::string again = server::make_audit_line({link->seq - 1, link->prev}, "");
        FUZZ_REQUIRE(line.starts_with(std::string_view(again).substr(0, again.size() - 2)));
    }
    const auto report = verifier.finish();
    FUZZ_REQUIRE(report.faults.size() <= report.fault_count);
    if (ended && !explained) FUZZ_REQUIRE((report.fault_count == 0) == is_chain(lines));

    const auto position = server::parse_audit_position(text);
    if (position) FUZZ_REQUIRE(server::to_text(*position) == text);
    const auto head = server::parse_audit_head(text, digest);
    if (!head || !*head) return;
    const auto rendered = server::render_audit_head(**head, digest);
    const auto again = server::parse_audit_head(rendered, digest);
    FUZZ_REQUIRE(again && *again && (*again)->last == (*head)->last);
}

}  // namespace scepgate::fuzz
