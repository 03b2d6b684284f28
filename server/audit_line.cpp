#include "server/audit_line.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace scepgate::server {
namespace {

constexpr std::string_view kSeq = "{\"seq\":";
constexpr std::string_view kPrev = ",\"prev\":\"";
constexpr std::size_t kBlock = std::size_t{256} << 10;

bool take(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

/// Decimal, from 1, without leading zeros.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    if (text.empty() || text.front() < '1' || text.front() > '9') return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::optional<Sha256> take_hash(std::string_view& text) {
    Sha256 hash{};
    if (text.size() < 2 * hash.size()) return std::nullopt;
    for (std::size_t i = 0; i < 2 * hash.size(); ++i) {
        const auto digit = hex_digit(text[i]);
        if (!digit || (text[i] >= 'A' && text[i] <= 'F')) return std::nullopt;
        hash[i / 2] = static_cast<std::uint8_t>(hash[i / 2] * 16U + *digit);
    }
    text.remove_prefix(2 * hash.size());
    return hash;
}

/// Whether the object that `text` begins in ends with it: one that was cut short behind a brace
/// does not.
bool ends_object(std::string_view text) {
    int depth = 1;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') {
            quoted = !quoted;
        } else if (quoted) {
            i += c == '\\' ? 1 : 0;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}' && --depth == 0) {
            return i + 1 == text.size();
        }
    }
    return false;
}

}  // namespace

std::string to_text(const AuditPosition& position) {
    return std::to_string(position.seq) + ':' + to_hex(position.hash);
}

Result<AuditPosition> parse_audit_position(std::string_view text) {
    if (auto seq = take_number(text); seq && take(text, ":")) {
        if (auto hash = take_hash(text); hash && text.empty()) {
            return AuditPosition{*seq, *hash};
        }
    }
    return malformed("not NUMBER:HASH as 'scepgate audit head' prints it");
}

std::string make_audit_line(const AuditPosition& before, std::string_view members) {
    std::string line;
    line.reserve(members.size() + 112);
    line += kSeq;
    line += std::to_string(before.seq + 1);
    line += kPrev;
    line += to_hex(before.hash);
    line += "\",";
    line += members;
    line += "}\n";
    return line;
}

std::optional<AuditLink> parse_audit_line(std::string_view line) {
    if (has_zero_octets(line)) return std::nullopt;
    if (!take(line, kSeq)) return std::nullopt;
    const auto seq = take_number(line);
    if (!seq || !take(line, kPrev)) return std::nullopt;
    const auto prev = take_hash(line);
    if (!prev || !take(line, "\",") || !line.starts_with('"') || !ends_object(line))
        return std::nullopt;
    return AuditLink{*seq, *prev};
}

Result<bool> AuditLineReader::fill() {
    buffer_.erase(0, used_);
    used_ = 0;
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, until_ - at_));
    if (want == 0) return false;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + want);
    ssize_t got = 0;
    do {
        got = ::pread(descriptor_, buffer_.data() + had, want, static_cast<off_t>(at_));
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        buffer_.resize(had);
        return Error{Errc::kUnavailable,
                     std::string("cannot read the audit file: ") + std::strerror(errno)};
    }
    buffer_.resize(had + static_cast<std::size_t>(got));
    at_ += static_cast<std::uint64_t>(got);
    if (got == 0) until_ = at_;  // it became shorter meanwhile
    return got > 0;
}

Result<std::optional<AuditLineReader::Line>> AuditLineReader::next() {
    std::size_t searched = used_;
    for (;;) {
        const std::size_t end = buffer_.find('\n', searched);
        const std::size_t length = (end == std::string::npos ? buffer_.size() : end) - used_;
        const std::string_view rest = std::string_view(buffer_).substr(used_);
        if (end != std::string::npos && length <= kLongestAuditLine) {
            used_ = end + 1;
            return std::optional(
                Line{rest.substr(0, length), !std::exchange(in_long_line_, false), true});
        }
        if (length > kLongestAuditLine) {
            used_ += kLongestAuditLine;
            return std::optional(Line{rest.substr(0, kLongestAuditLine),
                                      !std::exchange(in_long_line_, true), false});
        }
        searched = buffer_.size() - used_;  // after fill() the rest stands at the beginning
        const auto more = fill();
        if (!more) return more.error();
        if (!*more) break;
    }
    if (buffer_.empty()) return std::optional<Line>();
    used_ = buffer_.size();
    return std::optional(Line{buffer_, !std::exchange(in_long_line_, true), false});
}

}  // namespace scepgate::server
