#include "server/config_sandbox_reader.hpp"

#include "server/sandbox/syscall_filter.hpp"

namespace scepgate::server {

using Json = ConfigReader::Json;

namespace {

void read_landlock(ConfigReader& reader, const ConfigParts& parts, SandboxConfig& config) {
    const auto use = reader.choice("landlock", {"auto", "on", "off"});
    if (use == "on") config.landlock = LandlockUse::kRequired;
    if (use == "off") config.landlock = LandlockUse::kOff;
    std::vector<std::string> writable;
    reader.texts("writable", writable);
    for (const std::string& path : writable)
        config.writable.push_back(parts.resolve(path));
}

void judge_syscalls(const ConfigReader& reader, const SandboxConfig& config, ConfigFaults& faults) {
    for (std::size_t i = 0; i < config.syscalls.size(); ++i) {
        const std::string path = reader.path_of("syscalls") + '[' + std::to_string(i) + ']';
        const std::string& name = config.syscalls[i];
        switch (sandbox::judge_syscall(name)) {
            case sandbox::SyscallName::kUsable:
                break;
            case sandbox::SyscallName::kUnknown:
                faults.error(path, "'" + name + "' is no system call of this machine",
                             "give the name that the log told of, such as shmget");
                break;
            case sandbox::SyscallName::kForbidden:
                faults.error(path, name + " is never allowed",
                             "leave it out; where a token's module cannot do without it, only "
                             "\"seccomp\": \"off\" helps");
                break;
        }
    }
}

}  // namespace

void read_run_as(ConfigReader& top, Config& config, ConfigFaults& faults) {
    const Json* json = top.member("run_as");
    if (json == nullptr) return;
    RunAsConfig& run_as = config.run_as.emplace();
    if (json->is_string()) {
        run_as.user = json->get<std::string>();
    } else {
        ConfigReader reader(*json, "run_as", faults);
        run_as.user = reader.required_text("user", "the user to become, by name or number");
        reader.text("group", run_as.group);
        reader.finish();
    }
    if (run_as.user.empty()) {
        faults.error("run_as", "names nobody", "give \"user\", by name or number");
    } else if (run_as.user == "root" || run_as.user == "0") {
        faults.error("run_as", "names root, which keeps every right",
                     "name a user of scepgate's own, as 'useradd --system scepgate' makes one");
    }
}

void read_sandbox(ConfigReader& top, const ConfigParts& parts, Config& config,
                  ConfigFaults& faults) {
    const Json* json = top.member("sandbox");
    if (json == nullptr) return;
    ConfigReader reader(*json, "sandbox", faults);
    config.sandbox.seccomp = reader.choice("seccomp", {"on", "off"}) != "off";
    reader.texts("syscalls", config.sandbox.syscalls);
    read_landlock(reader, parts, config.sandbox);
    judge_syscalls(reader, config.sandbox, faults);
    reader.finish();
}

}  // namespace scepgate::server
