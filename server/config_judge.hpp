// All that is judged before serving: the one place, for 'serve', its reload and 'config check'.
#pragma once

#include "certs/clock.hpp"
#include "server/admin/admin_runtime.hpp"
#include "server/config.hpp"
#include "server/runtime.hpp"
#include "server/runtime_services.hpp"

namespace scepgate::server {

enum class Occasion {
    kCheck,   ///< nothing is started; a server with this configuration may be running
    kStart,   ///< about to serve
    kReload,  ///< serving: ports and store are held by this process and not touched
};

struct JudgedConfig {
    Config config;
    std::shared_ptr<const Runtime> runtime;  ///< null when there is an error
    /// Null when there is an error, and without "admin".
    std::shared_ptr<const admin::AdminRuntime> admin;
};

/// Reads the file, loads what it names (build_runtime) and looks at what serving needs: OpenSSL,
/// listen addresses, store, log and audit file, and what others may do to all these files. Nothing
/// is created or changed. `services`: for the policy modules. A port that is taken is an error at
/// the start, and a warning for kCheck.
[[nodiscard]] JudgedConfig judge_config(const std::filesystem::path& file, Occasion occasion,
                                        std::shared_ptr<const certs::Clock> clock,
                                        ConfigFaults& faults, RuntimeServices services = {});

/// The log and the audit file: whether this process can write them, and whether the records' chain
/// can go on with the key that is given.
void judge_outputs(const Config& config, Occasion occasion, ConfigFaults& faults);

}  // namespace scepgate::server
