// From the section "notifiers" to who is told; the policy "webhook" shares the keys' reading.
#pragma once

#include "server/notifier.hpp"
#include "server/runtime_context.hpp"

namespace scepgate::server {

/// Null without notifiers, and after a fault.
[[nodiscard]] std::shared_ptr<const NotifierSet> build_notifiers(const Config& config,
                                                                 RuntimeContext& context);

}  // namespace scepgate::server
