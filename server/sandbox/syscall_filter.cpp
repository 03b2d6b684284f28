#include "server/sandbox/syscall_filter.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/netlink.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <system_error>
#include <termios.h>
#include <unistd.h>

#include "server/sandbox/refused_syscall.hpp"
#include "server/sandbox/sanitized.hpp"
#include "server/sandbox/syscalls.hpp"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

namespace scepgate::server::sandbox {
namespace {

/// Builds the rules; the first that libseccomp refuses is remembered.
class FilterRules {
public:
    FilterRules() : context_(::seccomp_init(kSanitized ? SCMP_ACT_ALLOW : SCMP_ACT_TRAP)) {}

    [[nodiscard]] bool sound() const noexcept { return context_ && fault_ == 0; }
    [[nodiscard]] int fault() const noexcept { return context_ ? fault_ : -ENOMEM; }

    void allow(std::string_view name) { add(SCMP_ACT_ALLOW, name, {}); }
    void allow(std::string_view name, std::initializer_list<scmp_arg_cmp> arguments) {
        add(SCMP_ACT_ALLOW, name, arguments);
    }
    void trap(std::string_view name) { add(SCMP_ACT_TRAP, name, {}); }
    void fail(std::string_view name, int error) {
        add(SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), name, {});
    }

    void load() {
        set(SCMP_FLTATR_CTL_TSYNC, 1);     // all threads, not this one alone
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree instead of a list
        // Kernels before 5.16 slow processes with a filter down, as if they ran strangers' code.
        set(SCMP_FLTATR_CTL_SSB, 1);
        if (sound()) fault_ = ::seccomp_load(context_.get());
    }

private:
    struct Release {
        void operator()(void* context) const noexcept { ::seccomp_release(context); }
    };

    void add(std::uint32_t action, std::string_view name,
             std::initializer_list<scmp_arg_cmp> arguments) {
        if (!sound()) return;
        const int number = ::seccomp_syscall_resolve_name(std::string(name).c_str());
        if (number == __NR_SCMP_ERROR) return;
        const int added =
            ::seccomp_rule_add_array(context_.get(), action, number,
                                     static_cast<unsigned>(arguments.size()), arguments.begin());
        // A name that this architecture has not, or a second rule for the same.
        if (added != 0 && added != -EDOM && added != -EEXIST && added != -EACCES) fault_ = added;
    }

    void set(scmp_filter_attr attribute, std::uint32_t value) {
        if (!sound()) return;
        const int done = ::seccomp_attr_set(context_.get(), attribute, value);
        if (done != 0 && attribute == SCMP_FLTATR_CTL_TSYNC) fault_ = done;
    }

    std::unique_ptr<void, Release> context_;
    int fault_ = 0;
};

constexpr scmp_arg_cmp equal(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}
constexpr scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

/// Needed, but not in every form.
void allow_in_part(FilterRules& rules) {
    // Threads. What clone3 would do stands in memory, where no filter looks; without it glibc
    // takes clone.
    rules.allow("clone", {masked(0, CLONE_THREAD, CLONE_THREAD)});
    rules.fail("clone3", ENOSYS);
    for (const int policy : {SCHED_OTHER, SCHED_BATCH})
        rules.allow("sched_setscheduler", {equal(1, static_cast<unsigned>(policy))});
    // Libraries are loaded while it runs (name services, a token's module at a reload), but memory
    // that was written is never run.
    constexpr unsigned kBoth = PROT_WRITE | PROT_EXEC;
    for (const char* map : {"mmap", "mmap2"}) {
        rules.allow(map, {masked(2, PROT_EXEC, 0)});
        rules.allow(map, {masked(2, kBoth, PROT_EXEC)});
    }
    rules.allow("mprotect", {masked(2, PROT_EXEC, 0)});

    for (const int family : {AF_UNIX, AF_INET, AF_INET6})
        rules.allow("socket", {equal(0, static_cast<unsigned>(family))});
    rules.allow("socket", {equal(0, AF_NETLINK), equal(2, NETLINK_ROUTE)});  // getaddrinfo()
    rules.allow("socketpair", {equal(0, AF_UNIX)});
    for (const int request : {FIONBIO, FIONREAD, FIOCLEX, TCGETS})
        rules.allow("ioctl", {masked(1, 0xffffffff, static_cast<unsigned>(request))});

    const auto self = static_cast<std::uint64_t>(::getpid());
    rules.allow("kill", {equal(0, self)});
    rules.allow("tgkill", {equal(0, self)});
    rules.allow("prlimit64", {equal(2, 0)});  // to read a limit
    for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE})
        rules.allow("prctl", {equal(0, static_cast<unsigned>(option))});
}

/// To tell of leaks and races a sanitizer looks at its own process through another one, and runs a
/// program that reads symbols.
bool needed_by_sanitizers(std::string_view name) {
    constexpr auto kTheirs = std::to_array<std::string_view>(
        {"clone", "fork", "vfork", "execve", "ptrace", "process_vm_readv"});
    return std::find(kTheirs.begin(), kTheirs.end(), name) != kTheirs.end();
}

bool is_forbidden(std::string_view name) {
    return std::find(kForbiddenSyscalls.begin(), kForbiddenSyscalls.end(), name) !=
           kForbiddenSyscalls.end();
}

void add_rules(FilterRules& rules, const SandboxConfig& config) {
    if (kSanitized) {  // the other way round: all but what is forbidden
        for (const std::string_view name : kForbiddenSyscalls) {
            if (!needed_by_sanitizers(name)) rules.trap(name);
        }
        return;
    }
    for (const std::string_view name : kNeededSyscalls)
        rules.allow(name);
    allow_in_part(rules);
    for (const std::string& name : config.syscalls)
        rules.allow(name);
}

}  // namespace

SyscallName judge_syscall(const std::string& name) {
    if (is_forbidden(name) || name == "clone3") return SyscallName::kForbidden;
    return ::seccomp_syscall_resolve_name(name.c_str()) == __NR_SCMP_ERROR ? SyscallName::kUnknown
                                                                           : SyscallName::kUsable;
}

Result<void> filter_system_calls(const SandboxConfig& config, const Log& log) {
    if (!config.seccomp) return {};
    FilterRules rules;
    add_rules(rules, config);
    tell_refused_syscalls(log.descriptor(), log.json(), kForbiddenSyscalls);
    rules.load();
    if (rules.sound()) return {};
    return Error{Errc::kConfig,
                 "the filter of system calls cannot be put in place: " +
                     std::generic_category().message(-rules.fault()) +
                     "; where the kernel has none (CONFIG_SECCOMP_FILTER), or an emulator, "
                     "\"sandbox\": { \"seccomp\": \"off\" } does without"};
}

}  // namespace scepgate::server::sandbox
