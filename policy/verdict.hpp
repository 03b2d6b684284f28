// What `scepgate policy explain` says of each check.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certs/enrollment.hpp"

namespace scepgate::policy {

/// What one check came to. No member ever holds a secret.
struct Verdict {
    enum class Outcome {
        kPassed,
        kFailed,
        kSkipped,  ///< not looked at: `found` says why
    };
    std::string module;  ///< the policy's name; what else judged: "request", "endpoint", "store"
    std::string check;   ///< "subject"
    Outcome outcome = Outcome::kPassed;
    std::string code{};  ///< of the refusal that it would be
    std::string expected{};
    std::string found{};
    std::string hint{};
};

[[nodiscard]] constexpr const char* to_text(Verdict::Outcome outcome) noexcept {
    switch (outcome) {
        case Verdict::Outcome::kPassed:
            return "passed";
        case Verdict::Outcome::kFailed:
            return "failed";
        case Verdict::Outcome::kSkipped:
            return "skipped";
    }
    return "?";
}

/// A check that did not pass.
[[nodiscard]] Verdict failed(std::string module, std::string check, const Refusal& refusal);

/// One that was not made.
[[nodiscard]] Verdict skipped(std::string module, std::string check, std::string why,
                              std::string hint = {});

/// Every check of a module on one request, and what it decides.
struct Explanation {
    std::vector<Verdict> verdicts;
    /// Empty: it depends on a service that was not asked.
    std::optional<Result<Grant, Refusal>> outcome;
};

/// What an explanation may do.
enum class Reach {
    kOffline,  ///< ask nobody: what would need a service is skipped
    kOnline,
};

}  // namespace scepgate::policy
