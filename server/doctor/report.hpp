// All findings about a URL, for people and for programs.
#pragma once

#include <cstddef>
#include <iosfwd>

#include <nlohmann/json_fwd.hpp>

#include "server/doctor/finding.hpp"

namespace scepgate::server::doctor {

struct Report {
    std::string url;     ///< that was asked; may be empty
    std::string config;  ///< whose CAs' URLs were; may be empty
    std::vector<Finding> findings;

    [[nodiscard]] std::size_t count(Outcome outcome) const noexcept;
    [[nodiscard]] bool failed() const noexcept { return count(Outcome::kFailed) != 0; }
};

/// One line a finding; what was sent, the cause and the settings below those that are not well.
/// What a server says is shown, not obeyed (printable()).
void write_text(const Report& report, std::ostream& out);
[[nodiscard]] nlohmann::ordered_json to_json(const Report& report);

}  // namespace scepgate::server::doctor
