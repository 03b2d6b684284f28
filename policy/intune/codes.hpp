// What Intune says of a request, and what the device and the administrator are told.
#pragma once

#include <string_view>
#include <vector>

#include "certs/refusal.hpp"

namespace scepgate::policy::intune {

/// One of the codes that Intune refuses with.
struct RefusalCode {
    std::string_view name;
    FailInfo fail_info;  ///< its class on the wire: as the local modules have it
    std::string_view meaning;
    std::string_view hint;
};

/// All that are known, without "Success".
[[nodiscard]] const std::vector<RefusalCode>& refusal_codes();

/// The refusal for a code other than "Success", also for one that nobody knows. `description`:
/// Intune's own words.
[[nodiscard]] Refusal refuse_by_code(std::string_view code, std::string_view description);

}  // namespace scepgate::policy::intune
