#include "server/sandbox/hardening.hpp"

#include <cerrno>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <system_error>

#include "server/sandbox/sanitized.hpp"

namespace scepgate::server::sandbox {
namespace {

Error hardening_fault(const char* what) {
    return {Errc::kConfig,
            std::string(what) + " is refused: " + std::generic_category().message(errno)};
}

}  // namespace

Result<void> forbid_core_dumps() {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return hardening_fault("RLIMIT_CORE of 0");
    // A core_pattern that names a program does not ask for the limit. LeakSanitizer looks at its
    // own process by ptrace, which a change of user would forbid too.
    if (::prctl(PR_SET_DUMPABLE, kSanitized ? 1 : 0, 0, 0, 0) != 0)
        return hardening_fault("PR_SET_DUMPABLE of 0");
    return {};
}

Result<void> harden_process() {
    if (const auto none = forbid_core_dumps(); !none) return none;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return hardening_fault("PR_SET_NO_NEW_PRIVS of 1");
    const mode_t before = ::umask(0777);
    ::umask(before | S_IWGRP | S_IRWXO);
    return {};
}

}  // namespace scepgate::server::sandbox
