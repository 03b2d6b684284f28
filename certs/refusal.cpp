#include "certs/refusal.hpp"

#include <stdexcept>

namespace scepgate {
namespace {

constexpr std::size_t kLongestPart = 500;

std::string bounded(std::string text) {
    if (text.size() <= kLongestPart) return text;
    text.resize(kLongestPart);
    return text + "...";
}

}  // namespace

Refusal refused(FailInfo fail_info, std::string code, Finding finding) {
    Refusal refusal =
        refused(fail_info, std::move(code), std::move(finding.what), std::move(finding.hint));
    refusal.check = refusal.text;
    refusal.text += ": expected '" + finding.expected + "', found '" + finding.found + "'";
    refusal.expected = std::move(finding.expected);
    refusal.found = std::move(finding.found);
    return refusal;
}

Refusal refused(FailInfo fail_info, std::string code, std::string what, std::string hint) {
    Refusal refusal;
    refusal.fail_info = fail_info;
    refusal.code = std::move(code);
    refusal.text = std::move(what);
    refusal.hint = std::move(hint);
    return refusal;
}

Refusal refused(const Reason& reason, std::string expected, std::string found) {
    Refusal refusal = refused(
        reason.fail_info, reason.code,
        {reason.check, bounded(std::move(expected)), bounded(std::move(found)), reason.hint});
    refusal.temporary = reason.temporary;
    return refusal;
}

Refusal refused(const Reason& reason, std::string what) {
    Refusal refusal = refused(reason.fail_info, reason.code, bounded(std::move(what)), reason.hint);
    refusal.check = reason.check;
    refusal.temporary = reason.temporary;
    return refusal;
}

void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
    throw std::logic_error("unchecked Result, refused with " + refusal.code + ": " + refusal.text);
}

}  // namespace scepgate
