// What a check found, and what mends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scepgate::server::doctor {

enum class Outcome { kOk, kWarning, kFailed, kSkipped };
[[nodiscard]] std::string_view to_text(Outcome outcome) noexcept;

/// A setting, and of what.
struct Remedy {
    std::string where;  ///< "nginx"
    std::string setting;
};
using Remedies = std::vector<Remedy>;

struct Finding {
    std::string id;  ///< of the check, such as "long-get"
    Outcome outcome = Outcome::kOk;
    std::string sent;   ///< in words
    std::string came;   ///< in words
    std::string cause;  ///< likely; or why it was skipped
    Remedies remedies = {};
};

}  // namespace scepgate::server::doctor
