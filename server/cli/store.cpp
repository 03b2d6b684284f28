// scepgate store create | backup | accept-clock
#include <filesystem>
#include <iostream>

#include "ca_backend/sqlite_backup.hpp"
#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/store_verify.hpp"
#include "server/cli/support.hpp"
#include "server/shell_word.hpp"
#include "server/store_opening.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

struct StoreOptions {
    std::string config, out;
    bool json = false;
};

int create(const StoreOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store(*config, ca_backend::StoreMode::kCreateOrOpen);
    if (!store) return complain(store.error());
    if (options.json) {
        print_json({{"store", store_path(*config)}, {"ready", true}});
    } else {
        std::cout << "the store is ready\n";
    }
    return flush_output(kSuccess);
}

int backup(const StoreOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    if (config->store_sqlite.empty()) {
        return complain(kUsage,
                        "the store is in PostgreSQL, whose own program copies it beside "
                        "the running nodes (docs/postgresql.md): pg_dump --format=custom "
                        "--file=" +
                            shell_path(options.out) +
                            " --dbname=" + shell_word(config->store_postgresql->conninfo));
    }
    std::error_code failure;
    if (fs::exists(fs::symlink_status(options.out, failure)))
        return complain(kFailed, options.out + " exists: a backup overwrites nothing");
    const auto audit = open_audit(*config);
    if (!audit) return complain(audit.error());
    const auto facts = [&](AuditRecord& line) {
        line.add("store", config->store_sqlite.string())
            .add("file", fs::absolute(options.out, failure).string());
    };
    const auto done = audited(**audit, "backup", facts, [&] {
        return ca_backend::backup_sqlite_store(config->store_sqlite, options.out);
    });
    if (!done) return complain(done.error());
    const auto octets = static_cast<std::int64_t>(fs::file_size(options.out, failure));
    if (options.json) {
        print_json({{"file", options.out}, {"octets", octets}});
    } else {
        std::cout << "The store is copied to " << options.out << ", " << octets
                  << " octets. Keep it with the configuration, the keys and the audit file.\n";
    }
    return flush_output(kSuccess);
}

int accept_clock(const StoreOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store(*config, ca_backend::StoreMode::kOpenCurrent);
    if (!store) return complain(store.error());
    const std::int64_t now = certs::SystemClock().now();
    const auto sound = (*store)->judge_clock(now);
    if (!sound && sound.error().code != Errc::kUnavailable) return complain(sound.error());
    if (sound) {
        if (options.json) {
            print_json({{"now", certs::utc_text(now)}, {"accepted", false}});
        } else {
            std::cout
                << "Nothing to accept: no certificate is more than a day ahead of the clock\n";
        }
        return flush_output(kSuccess);
    }
    const auto audit = open_audit(*config);
    if (!audit) return complain(audit.error());
    const auto facts = [&](AuditRecord& line) {
        line.add("now", certs::utc_text(now)).add("found", sound.error().detail);
    };
    const auto done =
        audited(**audit, "accept_clock", facts, [&] { return wait_for((*store)->accept_clock()); });
    if (!done) return complain(done.error());
    if (options.json) {
        print_json({{"now", certs::utc_text(now)}, {"accepted", true}});
    } else {
        std::cout << "The store goes on by this machine's clock: " << certs::utc_text(now) << '\n';
    }
    return flush_output(kSuccess);
}

}  // namespace

void add_store(CLI::App& app, int& status) {
    CLI::App* store = app.add_subcommand("store", "Look after the store");
    store->require_subcommand(1);
    auto options = std::make_shared<StoreOptions>();
    const auto common = [options](CLI::App* command) {
        add_config_option(*command, options->config);
        command->add_flag("--json", options->json, "Print JSON");
    };
    CLI::App* create_command = store->add_subcommand(
        "create",
        "Make the store's tables, or bring those of an older version up to date; what is in them "
        "stays");
    common(create_command);
    create_command->callback([&status, options] { status = create(*options); });
    CLI::App* backup_command = store->add_subcommand(
        "backup", "Copy the SQLite store, whole and durable; the server may be running");
    common(backup_command);
    backup_command->add_option("--out", options->out, "The copy; it must not exist yet")
        ->required()
        ->type_name("FILE");
    backup_command->callback([&status, options] { status = backup(*options); });
    CLI::App* clock_command = store->add_subcommand(
        "accept-clock",
        "Go on by this machine's clock, although certificates were recorded by one that was ahead; "
        "the server may be running");
    common(clock_command);
    clock_command->callback([&status, options] { status = accept_clock(*options); });
    add_store_verify(*store, status);
}

}  // namespace scepgate::server::cli
