#include "server/sandbox/refused_syscall.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <seccomp.h>
#include <string>
#include <ucontext.h>
#include <unistd.h>

namespace scepgate::server::sandbox {
namespace {

constexpr int kSyscallNumbers = 1024;

struct KnownSyscall {
    std::array<char, 40> name{};
    bool deadly = false;
    std::atomic<bool> told = false;
};

/// What the handler needs. It may do nothing that a signal handler must not, so all is made before.
struct RefusalNotes {
    int descriptor = -1;  ///< of its own, so that it stays when the log is opened anew or ends
    bool json = false;
    std::array<KnownSyscall, kSyscallNumbers> known;
};
RefusalNotes* refusal_notes = nullptr;

/// A line in the making, on the stack.
class SignalSafeLine {
public:
    SignalSafeLine& operator<<(std::string_view text) noexcept {
        const std::size_t taken = std::min(text.size(), line_.size() - size_);
        std::memcpy(line_.data() + size_, text.data(), taken);
        size_ += taken;
        return *this;
    }
    SignalSafeLine& number(std::uint64_t value, int digits = 1) noexcept {
        std::array<char, 20> text{};
        std::size_t at = text.size();
        for (; value != 0 || digits > 0; value /= 10, --digits)
            text[--at] = static_cast<char>('0' + value % 10);
        return *this << std::string_view(text.data() + at, text.size() - at);
    }
    void write_to(int descriptor) noexcept {
        std::string_view rest(line_.data(), size_);
        while (!rest.empty()) {
            const ssize_t written = ::write(descriptor, rest.data(), rest.size());
            if (written <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }

private:
    std::array<char, 512> line_{};
    std::size_t size_ = 0;
};

/// As spdlog writes it: 2026-01-31T10:20:30.123456Z.
void append_time(SignalSafeLine& line) noexcept {
    using namespace std::chrono;
    const auto now = time_point_cast<microseconds>(system_clock::now());
    const auto day = floor<days>(now);
    const year_month_day date(day);
    const hh_mm_ss time(now - day);
    const auto part = [&line](auto value, int digits, std::string_view after) {
        line.number(static_cast<std::uint64_t>(value), digits) << after;
    };
    part(static_cast<int>(date.year()), 4, "-");
    part(static_cast<unsigned>(date.month()), 2, "-");
    part(static_cast<unsigned>(date.day()), 2, "T");
    part(time.hours().count(), 2, ":");
    part(time.minutes().count(), 2, ":");
    part(time.seconds().count(), 2, ".");
    part(time.subseconds().count(), 6, "Z");
}

void tell(std::string_view name, int number, bool deadly) noexcept {
    const std::string_view message = deadly ? "a forbidden system call: ends at once"
                                            : "a system call that is not allowed: it failed";
    SignalSafeLine line;
    if (refusal_notes->json) {
        line << R"({"time":")";
        append_time(line);
        line << R"(","level":"error","message":")" << message << R"(","syscall":")" << name
             << R"(","number":)";
        line.number(static_cast<std::uint64_t>(number)) << "}\n";
    } else {
        append_time(line);
        line << " error \"" << message << "\" syscall=" << name << " number=";
        line.number(static_cast<std::uint64_t>(number)) << "\n";
    }
    line.write_to(refusal_notes->descriptor);
}

/// Has the call return -ENOSYS; false where that is not known how.
bool let_fail(void* context) noexcept {
#if defined(__x86_64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
    return true;
#elif defined(__aarch64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.regs[0] =
        static_cast<unsigned long long>(-ENOSYS);
    return true;
#else
    (void)context;
    return false;
#endif
}

/// SIGSYS as if nobody handled it: systemd and shells show what it was.
[[noreturn]] void end_by_sigsys() noexcept {
    struct sigaction none {};
    none.sa_handler = SIG_DFL;
    ::sigaction(SIGSYS, &none, nullptr);
    sigset_t open;
    sigemptyset(&open);
    sigaddset(&open, SIGSYS);
    ::pthread_sigmask(SIG_UNBLOCK, &open, nullptr);
    ::raise(SIGSYS);
    ::_exit(128 + SIGSYS);
}

void on_refused(int, siginfo_t* info, void* context) {
    const int before = errno;
    const int number = info->si_syscall;
    const bool known = number >= 0 && number < kSyscallNumbers;
    KnownSyscall* syscall =
        known ? &refusal_notes->known[static_cast<std::size_t>(number)] : nullptr;
    const bool deadly = syscall == nullptr || syscall->deadly;
    if (deadly || !syscall->told.exchange(true)) {
        const char* name =
            syscall != nullptr && syscall->name[0] != '\0' ? syscall->name.data() : "unknown";
        tell(name, number, deadly);
    }
    if (deadly || !let_fail(context)) end_by_sigsys();
    errno = before;
}

}  // namespace

void tell_refused_syscalls(int descriptor, bool json, std::span<const std::string_view> deadly) {
    auto notes = std::make_unique<RefusalNotes>();
    notes->descriptor = ::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    notes->json = json;
    for (int number = 0; number < kSyscallNumbers; ++number) {
        char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
        if (name == nullptr) continue;
        auto& known = notes->known[static_cast<std::size_t>(number)];
        std::strncpy(known.name.data(), name, known.name.size() - 1);
        known.deadly =
            std::find(deadly.begin(), deadly.end(), std::string_view(name)) != deadly.end();
        std::free(name);  // NOLINT: libseccomp's, from malloc()
    }
    refusal_notes = notes.release();  // a call may be refused until the last thread has ended
    struct sigaction handler {};
    handler.sa_sigaction = &on_refused;
    handler.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSYS, &handler, nullptr);
}

void tell_refused_syscalls_in(int descriptor) {
    if (refusal_notes != nullptr) ::dup3(descriptor, refusal_notes->descriptor, O_CLOEXEC);
}

}  // namespace scepgate::server::sandbox
