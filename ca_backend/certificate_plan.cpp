#include "ca_backend/certificate_plan.hpp"

#include <algorithm>

#include "certs/asn1_string.hpp"
#include "certs/general_name.hpp"

namespace scepgate::ca_backend::sql {
namespace {

using Status = CertificateFilter::Status;

/// A pattern for LIKE, with '!' as its escape.
std::string containing(std::string_view text) {
    std::string pattern = "%";
    for (const char c : folded(text)) {
        if (c == '%' || c == '_' || c == '!') pattern += '!';
        pattern += c;
    }
    return pattern + "%";
}

/// Behind every text that begins with what stands before it: U+10FFFF.
constexpr auto* kLast = "\xF4\x8F\xBF\xBF";

/// Octets: beyond kMostIndexed a text is shortened to kBeginning of them, kShortened and a hash.
constexpr std::size_t kMostIndexed = 2000;
constexpr std::size_t kBeginning = 1800;
constexpr std::string_view kShortened = "\xE2\x80\xA6#";

/// Builds a plan: the first condition that an index serves leads, the rest is looked at.
class Planner {
public:
    explicit Planner(const CertificateFilter& filter) : filter_(filter) {}

    CertificatePlan plan() {
        identifiers();
        subjects();
        times();
        rest();
        return std::move(plan_);
    }

private:
    void other(std::string sql, Condition value) {
        value.sql = std::move(sql);
        plan_.others.push_back(std::move(value));
    }
    [[nodiscard]] bool leads() const noexcept { return !plan_.leading.empty(); }

    /// `sql` leads when nothing does yet.
    void equal(const std::string& sql, Condition value) {
        if (leads()) return other(sql, std::move(value));
        value.sql = sql;
        plan_.leading.push_back(std::move(value));
    }

    void equal_in_bucket(const std::string& sql, Condition value) {
        if (!leads()) plan_.bucket = "(c.id >> 12)";
        equal(sql, std::move(value));
    }

    void identifiers() {
        if (filter_.serial) equal("c.serial = ?", {"", {*filter_.serial}});
        if (filter_.transaction_id) {
            equal(
                "c.id IN (SELECT certificate FROM transactions WHERE NOT transaction_id <> ? AND "
                "substr(transaction_id, length(transaction_id) - 7) = substr(?, length(?) - 7))",
                {"", {*filter_.transaction_id, *filter_.transaction_id, *filter_.transaction_id}});
        }
        if (filter_.subject)
            equal_in_bucket("lower(c.subject) = ?", {"", {indexed(folded(*filter_.subject))}});
        if (filter_.alt_name) alt_name(*filter_.alt_name);
        if (filter_.device_id) text("device_id", *filter_.device_id);
        if (filter_.user_id) text("user_id", *filter_.user_id);
    }

    /// Those without one are not in the index.
    void text(const std::string& column, const std::string& value) {
        equal_in_bucket("lower(c." + column + ") = ? AND c." + column + " <> ''",
                        {"", {folded(value)}});
    }

    /// certificate_names has the values; the type, if one was named, is looked at.
    void alt_name(const std::string& name) {
        const std::size_t colon = name.find(':');
        const bool typed =
            colon != std::string::npos && certs::general_name_type(folded(name.substr(0, colon)));
        const std::string value = indexed(folded(typed ? name.substr(colon + 1) : name));
        if (leads()) {
            other(
                "EXISTS (SELECT 1 FROM certificate_names WHERE bucket = (c.id >> 12) AND name = ? "
                "AND certificate = c.id)",
                {"", {value}});
        } else {
            plan_.from = "certificate_names AS n";
            plan_.id = "n.certificate";
            plan_.bucket = "n.bucket";
            equal("n.name = ?", {"", {value}});
        }
        if (typed) {
            const std::string whole = containing(", " + name + ", ");
            other("', ' || lower(c.subject_alt_name) || ', ' LIKE ? ESCAPE '!'", {"", {whole}});
        }
    }

    void subjects() {
        if (filter_.subject_begins) {
            const std::string first(indexed_beginning(folded(*filter_.subject_begins)));
            if (!leads()) plan_.bucket = "(c.id >> 12)";
            range('s', "lower(c.subject)", CertificatePlan::Key::kText, true,
                  {"lower(c.subject) >= ? AND lower(c.subject) < ?", {first, first + kLast}});
        }
    }

    /// Leads in the order of `key`, or is looked at.
    void range(char tag, std::string key, CertificatePlan::Key type, bool ascending,
               Condition condition) {
        if (leads()) {
            plan_.others.push_back(std::move(condition));
            return;
        }
        plan_.tag = tag;
        plan_.key = std::move(key);
        plan_.key_type = type;
        plan_.ascending = ascending;
        plan_.leading.push_back(std::move(condition));
    }

    static Condition between(const std::string& column, const std::optional<std::int64_t>& from,
                             const std::optional<std::int64_t>& until) {
        Condition made;
        if (from) {
            made.sql = column + " >= ?";
            made.values.emplace_back(*from);
        }
        if (until) {
            made.sql += (from ? " AND " : "") + column + " <= ?";
            made.values.emplace_back(*until);
        }
        return made;
    }

    void times() {
        using Key = CertificatePlan::Key;
        if (filter_.status == Status::kRevoked || filter_.status == Status::kOnHold)
            range('r', "c.revoked_at", Key::kNumber, false, {"c.revoked_at IS NOT NULL", {}});
        if (filter_.expires_from || filter_.expires_until)
            range('e', "c.not_after", Key::kNumber, true,
                  between("c.not_after", filter_.expires_from, filter_.expires_until));
        if (filter_.issued_from || filter_.issued_until)
            range('d', "c.issued_at", Key::kNumber, false,
                  between("c.issued_at", filter_.issued_from, filter_.issued_until));
        if (filter_.status == Status::kExpired)
            range('x', "c.not_after", Key::kNumber, false, {"c.not_after <= ?", {filter_.now}});
        if (filter_.template_name) equal("c.template = ?", {"", {*filter_.template_name}});
    }

    void rest() {
        if (filter_.status == Status::kValid)
            other("c.not_after > ? AND c.revoked_at IS NULL", {"", {filter_.now}});
        if (filter_.status == Status::kOnHold)
            other("c.revocation_reason = " +
                      std::to_string(static_cast<int>(certs::RevocationReason::kCertificateHold)),
                  {});
        if (filter_.subject_contains)
            other("lower(c.subject) LIKE ? ESCAPE '!'",
                  {"", {containing(*filter_.subject_contains)}});
        if (filter_.alt_name_contains)
            other("lower(c.subject_alt_name) LIKE ? ESCAPE '!'",
                  {"", {containing(*filter_.alt_name_contains)}});
        const auto same = [&](const char* sql, const std::optional<std::string>& value) {
            if (value) other(sql, {"", {*value}});
        };
        same("c.endpoint = ?", filter_.endpoint);
        same("c.ca = ?", filter_.ca);
        same("c.policy = ?", filter_.policy);
    }

    const CertificateFilter& filter_;
    CertificatePlan plan_;
};

}  // namespace

std::string folded(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), certs::ascii_lower);
    return lower;
}

std::string_view indexed_beginning(std::string_view text) {
    if (text.size() <= kBeginning) return text;
    std::size_t end = kBeginning;
    // Not within a character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return text.substr(0, end);
}

std::string indexed(std::string_view text) {
    if (text.size() <= kMostIndexed) return std::string(text);
    std::string shortened(indexed_beginning(text));
    shortened += kShortened;
    return shortened + to_hex(sha256(as_bytes(folded(text))));
}

bool was_shortened(std::string_view text) {
    constexpr std::size_t kHashDigits = 2 * sizeof(Sha256);
    const std::size_t end = kShortened.size() + kHashDigits;
    return text.size() > end && text.size() <= kBeginning + end &&
           text.substr(text.size() - end).starts_with(kShortened);
}

CertificatePlan plan_list(const CertificateFilter& filter) {
    return Planner(filter).plan();
}

}  // namespace scepgate::ca_backend::sql
