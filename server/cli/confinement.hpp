// What 'serve' and 'signer' give up, and when (docs/deployment.md).
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "server/config.hpp"
#include "server/log.hpp"
#include "server/sandbox/file_confinement.hpp"
#include "server/sandbox/run_as.hpp"

namespace scepgate::server::cli {

/// 1. begin(), before the configuration is judged, and while there is one thread: no core dumps;
/// from
///    there on files are those of "run_as", written only where the configuration says (Landlock),
///    and only ports are still bound as root.
/// 2. finish(), when all is open and before a stranger is heard: root's rights go for good, and the
///    filter of system calls comes.
class Confinement {
public:
    /// The file is read for these alone: its faults are for its judge.
    Result<void> begin(const std::filesystem::path& file);
    Result<void> finish(const Config& config, Log& log);

    /// A reload that would publish where this process cannot write before a restart is an error;
    /// what was exchanged since the start, or takes effect at a restart alone, is a warning.
    void judge_reload(const Config& config, ConfigFaults& faults) const;

private:
    sandbox::FileConfinement files_;
    std::size_t earlier_threads_ = 0;  ///< of libraries; no rule reaches them
    std::optional<sandbox::UserChange> change_;
};

/// For 'config check': judges as the user that the server will be while the answer lives, and ports
/// as root still. A warning where it cannot.
[[nodiscard]] std::optional<sandbox::UserChange> judge_as_its_user(
    const std::filesystem::path& file, ConfigFaults& faults);

}  // namespace scepgate::server::cli
