#include "server/cli/confinement.hpp"

#include <algorithm>
#include <unistd.h>

#include "server/memory_return.hpp"
#include "server/sandbox/capabilities.hpp"
#include "server/sandbox/hardening.hpp"
#include "server/sandbox/sanitized.hpp"
#include "server/sandbox/syscall_filter.hpp"

namespace scepgate::server::cli {
namespace {

std::string texts_of(const std::vector<std::filesystem::path>& paths) {
    std::string all;
    for (const auto& path : paths)
        all += (all.empty() ? "" : ", ") + path.string();
    return all;
}

}  // namespace

Result<void> Confinement::begin(const std::filesystem::path& file) {
    if (const auto hardened = sandbox::harden_process(); !hardened) return hardened;
    ConfigFaults ignored;
    const Config config = load_config(file, ignored);
    if (config.run_as) {
        auto changed = sandbox::UserChange::begin(*config.run_as);
        if (!changed) return in_context("run_as", changed.error());
        change_ = *std::move(changed);
    }
    const auto threads = sandbox::own_threads();
    earlier_threads_ = threads ? threads->size() - 1 : 0;
    auto confined = sandbox::confine_files(config);
    if (!confined) return in_context("sandbox.landlock", confined.error());
    files_ = *std::move(confined);
    return {};
}

Result<void> Confinement::finish(const Config& config, Log& log) {
    // It was read twice.
    if (sandbox::writable_places(config) != files_.places ||
        sandbox::listening_ports(config) != files_.ports) {
        return Error{Errc::kConfig,
                     "the configuration, or a link on the way to what it names, has changed during "
                     "the start; start again"};
    }
    if (change_) {
        if (const auto finished = change_->finish(); !finished)
            return in_context("run_as", finished.error());
    }
    if (const auto given_up = sandbox::give_up_binding(); !given_up) {
        log.warn("ports below 1024 can still be bound: " + given_up.error().detail);
    }
    if (const auto filtered = sandbox::filter_system_calls(config.sandbox, log); !filtered)
        return in_context("sandbox.seccomp", filtered.error());
    if (files_.abi != 0 && earlier_threads_ != 0 && !sandbox::kSanitized) {
        log.warn("threads that were there before it began are not confined to folders (Landlock)",
                 LogFields().add("threads", std::uint64_t{earlier_threads_}));
    }
    if (::geteuid() == 0) {
        log.warn(
            "runs as root: whoever takes it over has the machine; give \"run_as\", or start it as "
            "a user of its own");
    }
    log.info("confined", LogFields()
                             .add("user", std::uint64_t{::geteuid()})
                             .add("group", std::uint64_t{::getegid()})
                             .add("seccomp", config.sandbox.seccomp ? "on" : "off")
                             .add("landlock", files_.abi != 0 ? "on" : "off")
                             .add("landlock_abi", static_cast<std::uint64_t>(files_.abi))
                             .add("writable", files_.abi != 0 ? texts_of(files_.found) : "any"));
    return_memory_in_background();
    return {};
}

void Confinement::judge_reload(const Config& config, ConfigFaults& faults) const {
    const auto& known = files_.places;
    for (const auto& place : sandbox::writable_places(config)) {
        if (sandbox::is_beneath_writable_place(place.path)) continue;
        const std::string what = "this process cannot write to " + place.path.string() +
                                 ": when it started, that was not there or not configured "
                                 "(sandbox.landlock)";
        if (place.published && std::find(known.begin(), known.end(), place) == known.end()) {
            faults.error(place.json_path, what, "restart instead of reloading");
        } else {
            faults.warn(place.json_path, what, "restart it");
        }
    }
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
