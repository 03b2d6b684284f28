// CA rollover (RFC 8894 section 4.7): an endpoint and the one that takes its place at a set time.
#pragma once

#include "server/runtime.hpp"
#include "server/runtime_context.hpp"

namespace scepgate::server {

/// Makes `next` the successor of `now`: prepares GetNextCACert, lets `next` open what is encrypted
/// to the keys of `now`, and both renew and look up what either CA issued. Judges how the two fit.
void join_rollover(Endpoint& now, const std::shared_ptr<Endpoint>& next,
                   const EndpointConfig::Next& config, RuntimeContext& context);

}  // namespace scepgate::server
