#include <iostream>

#include <nlohmann/json.hpp>

#include "server/cli/commands.hpp"
#include "server/cli/confinement.hpp"
#include "server/cli/support.hpp"
#include "server/config_judge.hpp"
#include "server/signer/compare.hpp"
#include "server/signer/judge.hpp"

namespace scepgate::server::cli {
namespace {

void print_faults_json(const ConfigFaults& faults) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& fault : faults.list()) {
        list.push_back({{"severity", fault.warning ? "warning" : "error"},
                        {"path", fault.path},
                        {"what", fault.what},
                        {"remedy", fault.remedy}});
    }
    const nlohmann::ordered_json result{{"ok", !faults.has_errors()}, {"faults", list}};
    std::cout << result.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace)
              << '\n';
}

int check(const std::string& file, bool json) {
    ConfigFaults faults;
    const auto clock = std::make_shared<certs::SystemClock>();
    bool usable = false;
    const auto as_its_user = judge_as_its_user(file, faults);
    if (signer::is_signers(file)) {
        usable = signer::judge_signer(file, Occasion::kCheck, clock, faults).runtime != nullptr;
    } else {
        const auto judged = judge_config(file, Occasion::kCheck, clock, faults);
        usable = judged.runtime != nullptr;
        signer::compare_with_signers(judged.config, faults);
    }
    if (!usable && !faults.has_errors()) faults.error("", "the configuration cannot be used");
    if (json) {
        print_faults_json(faults);
    } else {
        print_faults(faults);
        if (!faults.has_errors()) std::cout << file << ": fit to serve\n";
    }
    return faults.has_errors() ? kUsage : kSuccess;
}

}  // namespace

void add_config(CLI::App& app, int& status) {
    CLI::App* config = app.add_subcommand("config", "Judge a configuration");
    config->require_subcommand(1);
    CLI::App* command = config->add_subcommand(
        "check",
        "Judge all that 'serve' judges: syntax, unknown keys, references, certificates, keys, key "
        "usages, expiries, modes of files and folders, listen addresses, database, log and audit "
        "file, and whether "
        "the OpenSSL of this machine has its security fixes. Lists every "
        "fault with its JSON path and how to mend it; nothing is changed. Exit status 2 when the "
        "server would not start with it. A port that is taken is a warning: the running server "
        "may be the one that has it.");
    auto file = std::make_shared<std::string>();
    auto json = std::make_shared<bool>(false);
    command->add_option("--config", *file, "The configuration file")->required()->type_name("FILE");
    command->add_flag("--json", *json, "Print the result as JSON");
    command->callback([&status, file, json] { status = check(*file, *json); });
}

}  // namespace scepgate::server::cli
