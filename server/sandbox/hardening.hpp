// What a process that holds keys gives up at its very beginning.
#pragma once

#include "certs/result.hpp"

namespace scepgate::server::sandbox {

/// For 'serve' and 'signer', before anything secret is read:
/// - no core dump, and no other process of the same user may look into this one (ptrace,
///   /proc/PID/mem); root may all the same;
/// - no new privileges by what is executed (no_new_privs), which the filter of system calls needs;
/// - nothing that this process makes is for everybody: umask 027, or what it had besides.
/// kConfig with what the kernel refused.
Result<void> harden_process();

/// Again after a change of user, which lets the kernel forget it.
Result<void> forbid_core_dumps();

}  // namespace scepgate::server::sandbox
