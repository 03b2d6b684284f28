// Names that nobody vouched for: what a CSR may ask for under a policy that grants as asked.
#pragma once

#include <optional>

#include "certs/csr.hpp"
#include "certs/refusal.hpp"

namespace scepgate::policy {

/// What nobody gets for the asking (a SID, in either spelling), and what cannot be in a
/// certificate. No value: the names can be granted as they are.
[[nodiscard]] std::optional<Refusal> judge_requested_names(const certs::Csr& csr);

}  // namespace scepgate::policy
