// Account SIDs written as alternative names: the second spelling of KB5014754's strong mapping,
// URI "tag:microsoft.com,2022-09-14:sid:S-1-5-21-…" (attacks.md N09: whoever can choose one
// becomes that account in Active Directory).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "certs/general_name.hpp"

namespace scepgate::policy {

/// The SID that this name claims; empty when it claims none. Scheme and tag are looked at without
/// case, as a reader of the certificate might.
[[nodiscard]] std::optional<std::string_view> sid_in(const certs::GeneralName& name) noexcept;

/// Whether it lies in Microsoft's tag space. Wider than sid_in(): for requests where nobody has
/// vouched for any such name.
[[nodiscard]] bool is_microsoft_tag(const certs::GeneralName& name) noexcept;

/// The first such name of the list, or nullptr.
[[nodiscard]] const certs::GeneralName* find_microsoft_tag(
    const certs::GeneralNames& names) noexcept;

/// The name for a refusal: no more of it than that has room for.
[[nodiscard]] std::string excerpt_of(const certs::GeneralName& name);

/// "S-1-5-21-…" in its canonical form.
[[nodiscard]] bool is_sid(std::string_view text);

}  // namespace scepgate::policy
