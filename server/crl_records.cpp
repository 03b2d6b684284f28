#include "server/crl_records.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <nlohmann/json.hpp>

#include "ca_backend/crl_maker.hpp"
#include "certs/clock.hpp"
#include "server/audit_log.hpp"

namespace scepgate::server {
namespace {

constexpr std::streamoff kStep = std::streamoff{1} << 20;
constexpr std::streamoff kMost = std::streamoff{64} << 20;
constexpr std::size_t kMostDigits = 15;  // of a number that fits a signed 64 bit one, in hex

/// The CRL number in a line of the audit file, if it tells of a CRL of this CA.
std::optional<std::int64_t> number_in(std::string_view line, const std::string& ca) {
    if (line.find("\"event\":\"crl\"") == std::string_view::npos) return std::nullopt;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("event", "") != "crl" || json.value("ca", "") != ca)
        return std::nullopt;
    const auto number = json.find("number");
    if (number == json.end() || !number->is_string()) return std::nullopt;
    const std::string digits = number->get<std::string>();
    const std::size_t start = std::min(digits.find_first_not_of('0'), digits.size());
    if (digits.empty() || digits.size() - start > kMostDigits ||
        digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        return std::nullopt;
    return std::stoll("0" + digits.substr(start), nullptr, 16);
}

/// The greatest in these lines: two processes may write their records in another order than that
/// of the numbers.
std::int64_t greatest_in(std::string_view lines, const std::string& ca) {
    std::int64_t greatest = 0;
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        greatest = std::max(greatest, number_in(lines.substr(0, end), ca).value_or(0));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return greatest;
}

/// How many, and the first of them.
std::string describe(const std::vector<std::string>& left_out) {
    constexpr std::size_t kMost = 10;
    std::string text = std::to_string(left_out.size());
    for (std::size_t i = 0; i < std::min(left_out.size(), kMost); ++i)
        text += (i == 0 ? ": " : "; ") + left_out[i];
    return text + (left_out.size() > kMost ? "; ..." : "");
}

}  // namespace

void CrlRecords::connect(std::shared_ptr<AuditLog> audit, Complain complain, std::string by) {
    const std::lock_guard lock(mutex_);
    audit_ = std::move(audit);
    complain_ = std::move(complain);
    by_ = std::move(by);
}

Result<void> CrlRecords::write(const ca_backend::MadeCrl& made) {
    std::shared_ptr<AuditLog> audit;
    Complain complain;
    std::string by;
    {
        const std::lock_guard lock(mutex_);
        audit = audit_;
        complain = complain_;
        by = by_;
    }
    if (!audit) return Error{Errc::kUnavailable, "there is no audit file to record the CRL in"};
    AuditRecord line("crl", certs::SystemClock().now());
    line.add("ca", made.ca)
        .add("kind", to_text(made.kind))
        .add("number", to_hex(made.crl.number()));
    if (made.kind == ca_backend::CrlKind::kDelta)
        line.add("base", to_hex(made.crl.base_number().value_or(ByteView())));
    line.add("revoked", static_cast<std::int64_t>(made.crl.entries().size()))
        .add("next_update", certs::utc_text(made.crl.next_update()));
    if (!made.left_out.empty()) {
        const std::string left_out = describe(made.left_out);
        line.add("left_out", left_out);
        if (complain) complain(made, left_out);
    }
    return audit->write(line.add_if("by", by));
}

Result<std::int64_t> last_recorded_crl(const std::filesystem::path& audit_file,
                                       const std::string& ca) {
    std::ifstream file(audit_file, std::ios::binary);
    if (!file) {
        return Error{Errc::kUnavailable,
                     "cannot read " + audit_file.string() + ": " + std::strerror(errno)};
    }
    file.seekg(0, std::ios::end);
    std::streamoff at = file.tellg();
    const std::streamoff least = std::max<std::streamoff>(at - kMost, 0);
    std::string text;  // from `at` on, but for whole lines that were looked at
    while (at > least) {
        const std::streamoff step = std::min(kStep, at - least);
        at -= step;
        std::string more(static_cast<std::size_t>(step), '\0');
        file.seekg(at);
        if (!file.read(more.data(), step)) {
            return Error{Errc::kUnavailable, "cannot read " + audit_file.string()};
        }
        text.insert(0, more);
        // The first line may have begun before.
        const std::size_t whole = at == 0 ? 0 : text.find('\n');
        if (whole == std::string::npos) continue;
        const std::int64_t greatest = greatest_in(std::string_view(text).substr(whole), ca);
        if (greatest != 0) return greatest;
        text.resize(whole);
    }
    return 0;
}

}  // namespace scepgate::server
