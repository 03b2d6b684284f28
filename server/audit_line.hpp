// A line of the audit file as a link of its chain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "certs/bytes.hpp"

namespace scepgate::server {

/// Where a chain is: its last record's number and hash. Number 0, hash of zeros: before the first.
struct AuditPosition {
    std::uint64_t seq = 0;
    Sha256 hash{};
    [[nodiscard]] bool operator==(const AuditPosition&) const = default;
};

/// "12:" and the hash in hex, as `scepgate audit head` prints it.
[[nodiscard]] std::string to_text(const AuditPosition& position);
/// The same back; kMalformed.
[[nodiscard]] Result<AuditPosition> parse_audit_position(std::string_view text);

/// A record: its own number, and the hash of the record before it.
struct AuditLink {
    std::uint64_t seq = 0;  ///< 1 …
    Sha256 prev{};
    /// Follows this record without a break.
    [[nodiscard]] bool continues(const AuditPosition& position) const noexcept {
        return seq == position.seq + 1 && prev == position.hash;
    }
};

/// The line of a record, with its end: {"seq":…,"prev":"…",MEMBERS}.
[[nodiscard]] std::string make_audit_line(const AuditPosition& before, std::string_view members);

/// Octets of a line did not reach the disk in a power failure, although later ones did. No program
/// writes such lines.
[[nodiscard]] inline bool has_zero_octets(std::string_view line) noexcept {
    return line.find('\0') != std::string_view::npos;
}

/// What a line (without its end) says at its beginning, which make_audit_line() has made; nothing
/// when it is no such line, or not all of it. What follows is not read but for where it ends: its
/// hash tells whether it was changed.
[[nodiscard]] std::optional<AuditLink> parse_audit_line(std::string_view line);

/// No record is longer; what is longer is read as no record.
inline constexpr std::size_t kLongestAuditLine = std::size_t{1} << 20;

/// Lines of a file that is open, from one offset to another.
class AuditLineReader {
public:
    struct Line {
        std::string_view text;  ///< without its end; valid until the next call
        bool begins = true;     ///< false: more of a line that was too long
        bool ends = true;       ///< false: more follows, or the file ends without a line's end
        [[nodiscard]] bool whole() const noexcept { return begins && ends; }
        /// In the file.
        [[nodiscard]] std::uint64_t size() const noexcept { return text.size() + (ends ? 1 : 0); }
    };

    /// `descriptor` stays open and is not moved.
    AuditLineReader(int descriptor, std::uint64_t from, std::uint64_t until)
        : descriptor_(descriptor), at_(from), until_(until) {}

    /// Nothing at the end; kUnavailable when the file cannot be read.
    Result<std::optional<Line>> next();

private:
    Result<bool> fill();

    int descriptor_;
    std::uint64_t at_, until_;  ///< what of the file is not in buffer_ yet
    std::string buffer_;
    std::size_t used_ = 0;  ///< of buffer_
    bool in_long_line_ = false;
};

}  // namespace scepgate::server
