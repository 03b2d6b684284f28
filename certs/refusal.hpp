// A refusal: what the device, the operator and the audit record are told.
#pragma once

#include <string>

#include <boost/assert/source_location.hpp>

namespace scepgate {

/// RFC 8894 section 3.2.1.4; the values go on the wire.
enum class FailInfo {
    kBadAlg = 0,
    kBadMessageCheck = 1,
    kBadRequest = 2,
    kBadTime = 3,
    kBadCertId = 4
};

[[nodiscard]] constexpr const char* to_text(FailInfo info) noexcept {
    switch (info) {
        case FailInfo::kBadAlg:
            return "badAlg";
        case FailInfo::kBadMessageCheck:
            return "badMessageCheck";
        case FailInfo::kBadRequest:
            return "badRequest";
        case FailInfo::kBadTime:
            return "badTime";
        case FailInfo::kBadCertId:
            return "badCertId";
    }
    return "?";
}

/// Why a request does not lead to a certificate. Only `fail_info` ever leaves the server.
struct Refusal {
    FailInfo fail_info = FailInfo::kBadRequest;
    std::string code =
        "Unknown";     ///< stable name, Intune's where one exists: "SubjectNameMismatch"
    std::string text;  ///< for the operator: what was expected and found; no secrets
    /// True when the request may succeed later with nothing changed (a service or the store is
    /// down): answered as HTTP 503, not as a FAILURE that a device takes for final.
    bool temporary = false;
    // Parts of `text` by themselves; empty where there are none.
    std::string expected{};  ///< names and numbers, never a secret
    std::string found{};
    std::string hint{};   ///< what the administrator can do about it; not in `text`
    std::string check{};  ///< what was looked at: "subject"
    /// Who asks had a challenge that is valid: no stranger.
    bool challenge_valid = false;
};

/// What is the same in every refusal of one kind; docs/refusals.md lists them.
struct Reason {
    FailInfo fail_info;
    const char* code;
    const char* check;
    const char* hint;
    bool temporary = false;
};

/// What a check found, in parts.
struct Finding {
    std::string what;  ///< "subject"
    std::string expected;
    std::string found;
    std::string hint{};
};

/// A refusal whose text is "what: expected 'expected', found 'found'".
[[nodiscard]] Refusal refused(FailInfo fail_info, std::string code, Finding finding);
/// One where `what` says it all.
[[nodiscard]] Refusal refused(FailInfo fail_info, std::string code, std::string what,
                              std::string hint);

/// A refusal whose text is "check: expected 'expected', found 'found'". Both may quote what a
/// stranger sent: of each, some hundred octets are kept.
[[nodiscard]] Refusal refused(const Reason& reason, std::string expected, std::string found);
/// One where `what` says it all.
[[nodiscard]] Refusal refused(const Reason& reason, std::string what);

/// The same, of who has a valid challenge.
[[nodiscard]] inline Refusal with_valid_challenge(Refusal refusal) {
    refusal.challenge_valid = true;
    return refusal;
}

[[noreturn]] void throw_exception_from_error(const Refusal& refusal, const boost::source_location&);

}  // namespace scepgate
