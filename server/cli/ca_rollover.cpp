// scepgate ca rollover
#include "server/cli/ca_rollover.hpp"

#include <iostream>

#include "certs/clock.hpp"
#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/rollover.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CaRolloverOptions {
    RolloverSettings settings;
    std::string ca_key;
    bool json = false;
};

Json rollover_json(const Rollover& rollover, const CaRolloverOptions& options) {
    return {{"ca", options.settings.ca},
            {"next_ca", rollover.next_ca},
            {"subject", rollover.certificate.subject_text()},
            {"fingerprint", to_hex(rollover.certificate.fingerprint())},
            {"from", options.settings.from},
            {"folder", rollover.folder.string()},
            {"added", rollover.added},
            {"additions", rollover.additions},
            {"notes", rollover.notes}};
}

void print(const Rollover& rollover, const CaRolloverOptions& options) {
    std::cout << "The next CA is '" << rollover.certificate.subject_text() << "', "
              << rollover.next_ca << " in the configuration, from " << options.settings.from
              << " on.\nSHA-256 fingerprint: " << to_hex(rollover.certificate.fingerprint())
              << "\nKeys and certificates: " << rollover.folder.string() << '\n';
    for (const auto& note : rollover.notes)
        std::cout << "Note: " << note << '\n';
    if (rollover.added) {
        std::cout << "The configuration names them; the old one is kept with .bak behind its "
                     "name.\n";
    } else {
        std::cout << "The configuration has comments, so it was left alone. Add to 'cas':\n\n"
                  << rollover.additions["cas"].dump(2) << "\n";
        for (const auto& [index, keys] : rollover.additions["endpoints"].items()) {
            std::cout << "\nand to endpoints[" << index << "]:\n\n" << keys.dump(2) << "\n";
        }
        std::cout << '\n';
    }
    std::cout << "Then judge it (scepgate config check) and send the server SIGHUP.\n";
}

int rollover(CaRolloverOptions& options) {
    if (!options.ca_key.empty()) {
        const auto key = certs::KeySpec::parse(options.ca_key);
        if (!key) return complain(kUsage, "--ca-key: " + key.error().detail);
        options.settings.ca_key = *key;
    }
    const auto lock = ConfigLock::take(options.settings.config);
    if (!lock) return complain(lock.error());
    const auto config = load_or_complain(options.settings.config);
    if (!config) return kUsage;
    const std::int64_t now = certs::SystemClock().now();
    const auto audit = open_audit(*config);
    if (!audit) return complain(kUsage, audit.error().detail);
    const auto made = make_rollover(options.settings, *config, *lock, now);
    if (!made) {
        const Errc code = made.error().code;
        const bool usage = code == Errc::kConfig || code == Errc::kMalformed;
        return complain(usage ? kUsage : kFailed, made.error().detail);
    }
    AuditRecord line("rollover", now);
    line.add("ca", options.settings.ca)
        .add("next_ca", made->next_ca)
        .add("fingerprint", to_hex(made->certificate.fingerprint()))
        .add("from", options.settings.from)
        .add("by", operator_name());
    if (const auto written = (*audit)->write(line); !written) {
        return complain(kFailed, written.error().detail);
    }
    if (options.json) {
        print_json(rollover_json(*made, options));
    } else {
        print(*made, options);
    }
    return flush_output(kSuccess);
}

}  // namespace

int roll_over(const std::string& config, const std::string& ca, const std::string& from,
              bool json) {
    CaRolloverOptions options;
    options.settings.config = config;
    options.settings.ca = ca;
    options.settings.from = from;
    options.json = json;
    return rollover(options);
}

void add_ca_rollover(CLI::App& ca, int& status) {
    CLI::App* command = ca.add_subcommand(
        "rollover",
        "Make the next CA for when a self-signed one comes to its end, with RA certificates for "
        "every endpoint that uses it, in a folder beside the configuration, and add them to it. "
        "Devices can fetch the next CA at once; it serves from the given time on.");
    auto options = std::make_shared<CaRolloverOptions>();
    add_config_option(*command, options->settings.config);
    command->add_option("--ca", options->settings.ca, "The name of the CA that comes to its end")
        ->required();
    command
        ->add_option("--from", options->settings.from,
                     "When the next CA takes over, in UTC: 2027-01-01T00:00:00Z")
        ->required()
        ->type_name("TIME");
    command->add_option("--ca-key", options->ca_key,
                        "rsa:2048, rsa:3072, rsa:4096, rsa:8192, ec:p256, ec:p384 or ec:p521; else "
                        "like the present");
    command->add_option("--ca-name", options->settings.ca_name,
                        "The next CA's common name; else the present one's with G2, G3 … behind");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = rollover(*options); });
}

}  // namespace scepgate::server::cli
