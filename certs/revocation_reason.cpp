#include "certs/crl.hpp"

namespace scepgate::certs {
namespace {

struct ReasonName {
    RevocationReason reason;
    std::string_view text;
};
constexpr ReasonName kReasons[] = {
    {RevocationReason::kUnspecified, "unspecified"},
    {RevocationReason::kKeyCompromise, "keyCompromise"},
    {RevocationReason::kCaCompromise, "cACompromise"},
    {RevocationReason::kAffiliationChanged, "affiliationChanged"},
    {RevocationReason::kSuperseded, "superseded"},
    {RevocationReason::kCessationOfOperation, "cessationOfOperation"},
    {RevocationReason::kCertificateHold, "certificateHold"},
    {RevocationReason::kRemoveFromCrl, "removeFromCRL"},
    {RevocationReason::kPrivilegeWithdrawn, "privilegeWithdrawn"},
    {RevocationReason::kAaCompromise, "aACompromise"},
};

bool same_ignoring_case(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [lower](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

std::string_view to_text(RevocationReason reason) noexcept {
    for (const auto& [known, text] : kReasons) {
        if (known == reason) return text;
    }
    return "unspecified";
}

Result<RevocationReason> revocation_reason_from_text(std::string_view text) {
    std::string all;
    for (const auto& [reason, name] : kReasons) {
        if (same_ignoring_case(name, text)) return reason;
        all += (all.empty() ? "" : ", ") + std::string(name);
    }
    return malformed("\"" + std::string(text) + "\" is no reason; it is one of " + all);
}

Result<RevocationReason> revocation_reason_from_number(std::int64_t number) {
    for (const auto& [reason, name] : kReasons) {
        if (static_cast<std::int64_t>(reason) == number) return reason;
    }
    return malformed("reason " + std::to_string(number) + " has no meaning");
}

}  // namespace scepgate::certs
