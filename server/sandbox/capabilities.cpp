#include "server/sandbox/capabilities.hpp"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace scepgate::server::sandbox {
namespace {

/// How often, and how long in between, threads are asked to give it up.
constexpr int kAskings = 200;
constexpr std::chrono::milliseconds kBetweenAskings{5};

bool may_bind(pid_t thread) noexcept {
    Capabilities sets{};
    if (!read_capabilities(thread, sets)) return false;
    return ((sets[0].permitted | sets[0].effective | sets[0].inheritable) & kBindingRight) != 0;
}

/// Of the calling thread; from its ambient set it goes with the others.
bool give_up_own_binding() noexcept {
    Capabilities sets{};
    if (!read_capabilities(0, sets)) return false;
    sets[0].permitted &= ~kBindingRight;
    sets[0].effective &= ~kBindingRight;
    sets[0].inheritable &= ~kBindingRight;
    return set_capabilities(sets);
}

void on_asked(int) {
    const int before = errno;
    static_cast<void>(give_up_own_binding());
    errno = before;
}

/// False: a thread is left that has it; it has been asked.
Result<bool> ask_threads() {
    const auto threads = own_threads();
    if (!threads) return threads.error();
    bool done = true;
    for (const pid_t thread : *threads) {
        if (!may_bind(thread)) continue;
        done = false;
        ::syscall(SYS_tgkill, ::getpid(), thread, SIGURG);
    }
    return done;
}

}  // namespace

bool read_capabilities(pid_t thread, Capabilities& out) noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, thread};
    return ::syscall(SYS_capget, &header, out.data()) == 0;
}

bool set_capabilities(const Capabilities& sets) noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

Result<std::vector<pid_t>> own_threads() {
    std::vector<pid_t> threads;
    std::error_code failure;
    std::filesystem::directory_iterator tasks("/proc/self/task", failure);
    if (failure) {
        return Error{Errc::kConfig,
                     "/proc/self/task cannot be read (" + failure.message() + "): mount /proc"};
    }
    for (const auto& task : tasks) {
        const std::string name = task.path().filename().string();
        pid_t thread = 0;
        std::from_chars(name.data(), name.data() + name.size(), thread);
        if (thread > 0) threads.push_back(thread);
    }
    return threads;
}

Result<void> give_up_binding() {
    if (::geteuid() == 0 || !may_bind(0)) return {};
    if (!give_up_own_binding()) {
        return Error{Errc::kUnavailable,
                     "capset is refused: " + std::generic_category().message(errno)};
    }
    // A thread can change itself alone. Nobody else uses this signal, and where none handles it,
    // one that comes late does nothing.
    struct sigaction asked {
    }, before{};
    asked.sa_handler = &on_asked;
    asked.sa_flags = SA_RESTART;
    ::sigaction(SIGURG, &asked, &before);
    Result<bool> done = ask_threads();
    for (int i = 0; i < kAskings && done && !*done; ++i) {
        std::this_thread::sleep_for(kBetweenAskings);
        done = ask_threads();
    }
    ::sigaction(SIGURG, &before, nullptr);
    if (!done) return done.error();
    if (!*done) return Error{Errc::kUnavailable, "a thread keeps CAP_NET_BIND_SERVICE"};
    return {};
}

}  // namespace scepgate::server::sandbox
