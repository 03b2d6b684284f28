#include "server/cli/confinement.hpp"

#include <unistd.h>

#include "server/sandbox/hardening.hpp"
#include "server/sandbox/syscall_filter.hpp"

namespace scepgate::server::cli {

Result<void> Confinement::begin(const std::filesystem::path& file) {
    if (const auto hardened = sandbox::harden_process(); !hardened) return hardened;
    ConfigFaults ignored;
    const Config config = load_config(file, ignored);
    if (!config.run_as) return {};
    auto changed = sandbox::UserChange::begin(*config.run_as);
    if (!changed) return in_context("run_as", changed.error());
    change_ = *std::move(changed);
    return {};
}

Result<void> Confinement::finish(const Config& config, Log& log) {
    if (change_) {
        if (const auto finished = change_->finish(); !finished)
            return in_context("run_as", finished.error());
    }
    if (const auto filtered = sandbox::filter_system_calls(config.sandbox, log); !filtered)
        return in_context("sandbox.seccomp", filtered.error());
    if (::geteuid() == 0) {
        log.warn(
            "runs as root: whoever takes it over has the machine; give \"run_as\", or start it as "
            "a user of its own");
    }
    log.info("confined", LogFields()
                             .add("user", std::uint64_t{::geteuid()})
                             .add("group", std::uint64_t{::getegid()})
                             .add("seccomp", config.sandbox.seccomp ? "on" : "off"));
    return {};
}

std::optional<sandbox::UserChange> judge_as_its_user(const std::filesystem::path& file,
                                                     ConfigFaults& faults) {
    ConfigFaults ignored;
    const Config config = load_config(file, ignored);
    if (!config.run_as) return std::nullopt;
    auto changed = sandbox::UserChange::begin(*config.run_as);
    if (changed) return *std::move(changed);
    if (::geteuid() == 0) {
        faults.error("run_as", changed.error().detail);
    } else {
        faults.warn("run_as",
                    "files and ports were judged as this user, which cannot become '" +
                        config.run_as->user + "'",
                    "run the check as root or as that user");
    }
    return std::nullopt;
}

}  // namespace scepgate::server::cli
