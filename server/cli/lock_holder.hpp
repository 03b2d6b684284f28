// Locks that commands take on each other (flock), with an end to the waiting.
#pragma once

#include <chrono>
#include <string>

namespace scepgate::server::cli {

/// Takes an exclusive flock(2) on an open file or folder, trying for so long. False, with errno:
/// EWOULDBLOCK when another has it still, else what is wrong.
[[nodiscard]] bool lock_within(int descriptor, std::chrono::milliseconds patience);

/// Who has the flock on it, as Linux tells (/proc/locks): "process 4711 (scepgate ca renew …)".
/// "another process" where that cannot be seen, such as from within another container.
[[nodiscard]] std::string lock_holder(int descriptor);

}  // namespace scepgate::server::cli
