#include "certs/refusal.hpp"

#include <stdexcept>

#include "certs/excerpt.hpp"

namespace scepgate {
namespace {

/// Any part may quote what a stranger sent, and stands in the log, the audit file and notices.
std::string bounded(std::string text) {
    constexpr std::size_t kLongestPart = 500;
    return excerpt(std::move(text), kLongestPart);
}

}  // namespace

Refusal refused(FailInfo fail_info, std::string code, Finding finding) {
    Refusal refusal =
        refused(fail_info, std::move(code), std::move(finding.what), std::move(finding.hint));
    refusal.check = refusal.text;
    refusal.expected = bounded(std::move(finding.expected));
    refusal.found = bounded(std::move(finding.found));
    refusal.text += ": expected '" + refusal.expected + "', found '" + refusal.found + "'";
    return refusal;
}

Refusal refused(FailInfo fail_info, std::string code, std::string what, std::string hint) {
    Refusal refusal;
    refusal.fail_info = fail_info;
    refusal.code = std::move(code);
    refusal.text = bounded(std::move(what));
    refusal.hint = bounded(std::move(hint));
    return refusal;
}

Refusal refused(const Reason& reason, std::string expected, std::string found) {
    Refusal refusal = refused(reason.fail_info, reason.code,
                              {reason.check, std::move(expected), std::move(found), reason.hint});
    refusal.temporary = reason.temporary;
    return refusal;
}

Refusal refused(const Reason& reason, std::string what) {
    Refusal refusal = refused(reason.fail_info, reason.code, std::move(what), reason.hint);
    refusal.check = reason.check;
    refusal.temporary = reason.temporary;
    return refusal;
}

void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
    throw std::logic_error("unchecked Result, refused with " + refusal.code + ": " + refusal.text);
}

}  // namespace scepgate
