// CAs that grow old while the server runs.
#pragma once

#include <cstdint>

#include "server/log.hpp"
#include "server/runtime.hpp"

namespace scepgate::server {

/// One warning in the log for each CA that issues and is past half of its validity at `now`
/// (seconds since the epoch), unless its successor is named ("next"). Where that has taken over,
/// the successor is what issues. At start and after a reload the configuration's warnings say it;
/// this says it once a day.
void log_aging_cas(const Runtime& runtime, std::int64_t now, Log& log);

}  // namespace scepgate::server
